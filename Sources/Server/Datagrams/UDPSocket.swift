internal import Glibc
internal import NIOCore
internal import Wire

/// A bound or connected UDP socket with the options that QUIC wants, before SwiftNIO takes it over.
///
/// SwiftNIO reads from it. The driver sends on it directly (`DatagramSender`): SwiftNIO has no place for the source
/// address of a datagram, and wants a buffer, an envelope and a box for each.
struct UDPSocket {
    let descriptor: Int32
    let local: PeerAddress
    let isIPv6: Bool

    /// Buffers of the kernel: what arrives while the loop is busy waits here. The kernel may grant less.
    private static let bufferByteCount: Int32 = 4 << 20

    /// Opens and binds a socket. Port 0 lets the kernel choose.
    /// - Parameter reusesPort: several sockets share the port, one a shard (`SO_REUSEPORT`).
    init(host: String, port: Int, reusesPort: Bool = false) throws(DriverError) {
        try self.init(address: try UDPSocket.resolve(host: host, port: port), host: host, reusesPort: reusesPort)
    }

    /// The first address that `host` has.
    static func resolve(host: String, port: Int) throws(DriverError) -> PeerAddress {
        guard (0...65_535).contains(port),
            let resolved = try? SocketAddress.makeAddressResolvingHost(host, port: port),
            let address = PeerAddress(resolved)
        else { throw .hostUnknown(host: host) }
        return address
    }

    init(address: PeerAddress, host: String, reusesPort: Bool) throws(DriverError) {
        try self.init(isIPv6: address.ipv4 == nil, host: host, port: address.port) { descriptor, isIPv6 in
            if reusesPort { Self.set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
            return Self.call(Glibc.bind, descriptor, address, isIPv6: isIPv6)
        }
    }

    /// Opens a socket that talks to `remote` alone. It learns from the kernel when nothing listens there.
    /// - Parameter local: the address to talk from, with port 0 for any; the kernel chooses where it is `nil`.
    init(connectedTo remote: PeerAddress, from local: PeerAddress? = nil) throws(DriverError) {
        try self.init(isIPv6: remote.ipv4 == nil, host: remote.description, port: remote.port) { descriptor, isIPv6 in
            if let local {
                let bound = Self.call(Glibc.bind, descriptor, local, isIPv6: isIPv6)
                guard bound == 0 else { return bound }
            }
            return Self.call(Glibc.connect, descriptor, remote, isIPv6: isIPv6)
        }
    }

    /// Talks to another port of its peer's machine from now on, from where it is.
    func connect(to remote: PeerAddress) throws(DriverError) {
        guard Self.call(Glibc.connect, descriptor, remote, isIPv6: isIPv6) == 0 else {
            throw DriverError("connect", errno, host: remote.description, port: Int(remote.port))
        }
    }

    /// - Parameter attach: binds or connects; 0, or less for the error in `errno`.
    private init(isIPv6: Bool, host: String, port: UInt16, attach: (Int32, Bool) -> Int32) throws(DriverError) {
        let descriptor = socket(isIPv6 ? AF_INET6 : AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw DriverError("socket", errno, host: host, port: Int(port)) }
        Self.set(descriptor, SOL_SOCKET, SO_RCVBUF, Self.bufferByteCount)
        Self.set(descriptor, SOL_SOCKET, SO_SNDBUF, Self.bufferByteCount)
        // A QUIC datagram is never fragmented (RFC 9000 section 14); the path's limit is QUIC's business, not the kernel's.
        Self.set(descriptor, Int32(IPPROTO_IP), IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        // An IPv6 socket also carries mapped IPv4, whose ECN field has the option of its own.
        Self.set(descriptor, Int32(IPPROTO_IP), IP_RECVTOS, 1)
        if isIPv6 {
            Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0)
            Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE)
        }
        guard attach(descriptor, isIPv6) == 0 else {
            let code = errno
            close(descriptor)
            throw DriverError("bind", code, host: host, port: Int(port))
        }
        local = Self.localAddress(of: descriptor, isIPv6: isIPv6)
        self.descriptor = descriptor
        self.isIPv6 = isIPv6
    }

    private static func call(
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32, _ descriptor: Int32, _ address: PeerAddress,
        isIPv6: Bool
    ) -> Int32 {
        if !isIPv6, var v4 = address.socketAddressIPv4 {
            return withUnsafePointer(to: &v4) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var v6 = address.socketAddressIPv6
        return withUnsafePointer(to: &v6) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    private static func localAddress(of descriptor: Int32, isIPv6: Bool) -> PeerAddress {
        var storage = PeerAddress(high: 0, low: 0, port: 0).socketAddressIPv6
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            guard !isIPv6 else { return PeerAddress(pointer.pointee) }
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { PeerAddress($0.pointee) }
        }
    }

    // An option that this kernel lacks costs speed or precision, not the service.
    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
