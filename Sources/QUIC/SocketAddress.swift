internal import CNgtcp2
internal import Glibc
internal import Wire

/// ngtcp2 compares paths as socket addresses of the operating system; this is the only place that makes them.
///
/// A path storage points into itself: it lives on the heap, is never copied, and only its address is passed around.
final class PathStorage {
    let pointer: UnsafeMutablePointer<ngtcp2_path_storage>
    private var stored: NetworkPath?

    init() {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: ngtcp2_path_storage())
        ngtcp2_path_storage_zero(pointer)
    }

    convenience init(_ path: NetworkPath) {
        self.init()
        store(path)
    }

    deinit { pointer.deallocate() }

    /// The path as ngtcp2 takes it; valid while this object lives.
    var path: UnsafeMutablePointer<ngtcp2_path> {
        UnsafeMutableRawPointer(pointer).advanced(by: MemoryLayout<ngtcp2_path_storage>.offset(of: \.path) ?? 0)
            .assumingMemoryBound(to: ngtcp2_path.self)
    }

    /// Most datagrams of a connection take the path of the one before: then nothing is written.
    func store(_ path: NetworkPath) {
        if stored == path { return }
        stored = path
        withSocketAddress(path.local) { local, localLength in
            withSocketAddress(path.remote) { remote, remoteLength in
                ngtcp2_path_storage_init(pointer, local, localLength, remote, remoteLength, nil)
            }
        }
    }

    /// The path that ngtcp2 wrote here.
    func load() -> NetworkPath? { NetworkPath(pointer.pointee.path) }

    /// Call before lending the storage to ngtcp2 for writing.
    func invalidate() { stored = nil }
}

extension NetworkPath {
    init?(_ path: ngtcp2_path) {
        guard let local = PeerAddress(path.local), let remote = PeerAddress(path.remote) else { return nil }
        self.init(local: local, remote: remote)
    }
}

extension PeerAddress {
    init?(_ address: ngtcp2_addr) {
        guard let pointer = address.addr else { return nil }
        let raw = UnsafeRawPointer(pointer)
        switch Int32(pointer.pointee.sa_family) {
        case AF_INET where address.addrlen >= MemoryLayout<sockaddr_in>.size:
            let value = raw.loadUnaligned(as: sockaddr_in.self)
            self.init(ipv4: UInt32(bigEndian: value.sin_addr.s_addr), port: UInt16(bigEndian: value.sin_port))
        case AF_INET6 where address.addrlen >= MemoryLayout<sockaddr_in6>.size:
            let value = raw.loadUnaligned(as: sockaddr_in6.self)
            let (high, low) = withUnsafeBytes(of: value.sin6_addr) {
                ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            self.init(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low), port: UInt16(bigEndian: value.sin6_port))
        default: return nil
        }
    }
}

/// Lends `address` as the operating system's structure for the length of one call.
func withSocketAddress<Result>(
    _ address: PeerAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    if let ipv4 = address.ipv4 {
        var value = sockaddr_in()
        value.sin_family = sa_family_t(AF_INET)
        value.sin_port = address.port.bigEndian
        value.sin_addr.s_addr = ipv4.bigEndian
        return lend(&value, body)
    }
    var value = sockaddr_in6()
    value.sin6_family = sa_family_t(AF_INET6)
    value.sin6_port = address.port.bigEndian
    withUnsafeMutableBytes(of: &value.sin6_addr) {
        $0.storeBytes(of: address.high.bigEndian, as: UInt64.self)
        $0.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    return lend(&value, body)
}

private func lend<Address, Result>(
    _ value: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    withUnsafePointer(to: &value) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<Address>.size))
        }
    }
}

extension ngtcp2_cid {
    init(_ id: ConnectionID) {
        self.init()
        let bytes = id.bytes
        bytes.withUnsafeBufferPointer { ngtcp2_cid_init(&self, $0.baseAddress, $0.count) }
    }
}

extension ConnectionID {
    init(_ cid: ngtcp2_cid) {
        var cid = cid
        let length = min(cid.datalen, ConnectionID.maximumByteCount)
        let id = withUnsafeBytes(of: &cid.data) { buffer in
            ConnectionID(Array(buffer.prefix(length)))
        }
        guard let id else { preconditionFailure("ngtcp2 keeps connection IDs of at most 20 bytes") }
        self = id
    }
}
