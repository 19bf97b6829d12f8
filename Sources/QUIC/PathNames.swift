internal import Wire

/// The addresses by which a server's ngtcp2 knows its peer: the real ones, until a path has failed for good.
///
/// A new address is validated twice where the first PATH_CHALLENGE could not be 1,200 bytes long, since so little had come from
/// there (RFC 9000 sections 8.1 and 8.2.1). ngtcp2 0.12.1 sends the second, longer one once or twice; when these or their
/// answers are lost, every later call fails with NO_VIABLE_PATH, on a path that carries packets all the time. Only a packet
/// from an address that it does not know makes it begin again. So after such a failure the same address gets another name.
struct PathNames {
    private struct Entry {
        var name: PeerAddress
        var address: PeerAddress
    }

    /// How often a path has failed; in generation 0 names and addresses are the same.
    private var generation: UInt16 = 0
    /// The newest last.
    private var entries: [Entry] = []
    /// The names that ngtcp2 may still use: of the present path, and of the one before.
    private static let limit = 8
    /// The prefix that is meant for discarding (RFC 6666): no peer has such an address.
    private static let prefix: UInt64 = 0x0100_0000_0000_0000

    /// From now on addresses have names that they did not have before.
    mutating func renew() { generation &+= 1 }

    mutating func named(_ path: NetworkPath) -> NetworkPath {
        guard generation > 0 else { return path }
        var path = path
        if let known = entries.first(where: { $0.address == path.remote && $0.name.low >> 16 == UInt64(generation) }) {
            path.remote = known.name
            return path
        }
        if entries.count >= Self.limit { entries.removeFirst() }
        let serial = (entries.last.map { $0.name.low & 0xFFFF } ?? 0) &+ 1
        let name = PeerAddress(high: Self.prefix, low: UInt64(generation) << 16 | serial & 0xFFFF, port: path.remote.port)
        entries.append(Entry(name: name, address: path.remote))
        path.remote = name
        return path
    }

    func actual(_ path: NetworkPath) -> NetworkPath {
        guard generation > 0, let entry = entries.last(where: { $0.name == path.remote }) else { return path }
        return NetworkPath(local: path.local, remote: entry.address)
    }
}
