internal import Glibc
internal import NIOCore
package import Wire

extension PeerAddress {
    /// An address without a port, from its text; `nil` where it is neither IPv4 nor IPv6.
    package init?(ipAddress: String) {
        guard let address = try? SocketAddress(ipAddress: ipAddress, port: 0) else { return nil }
        self.init(address)
    }

    /// The address as SwiftNIO names it; `nil` for a Unix socket.
    init?(_ address: SocketAddress) {
        switch address {
        case .v4(let v4): self.init(v4.address)
        case .v6(let v6): self.init(v6.address)
        case .unixDomainSocket: return nil
        }
    }

    init(_ address: sockaddr_in) {
        self.init(ipv4: UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
    }

    init(_ address: sockaddr_in6) {
        let words = withUnsafeBytes(of: address.sin6_addr) { bytes in
            (bytes.load(as: UInt64.self), bytes.load(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1), port: UInt16(bigEndian: address.sin6_port))
    }

    /// The form that a call on an IPv4 socket takes; `nil` where this is no IPv4 address.
    var socketAddressIPv4: sockaddr_in? {
        guard let ipv4 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = ipv4.bigEndian
        return address
    }

    /// The form that a call on an IPv6 socket takes; IPv4 stays mapped.
    var socketAddressIPv6: sockaddr_in6 {
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
            bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }

    /// Whether this is `0.0.0.0` or `::`, which name no single interface.
    var isWildcard: Bool { ipv4 == 0 || (high == 0 && low == 0) }
}

extension SocketAddress {
    /// The form that a socket of the family takes; `nil` for an IPv6 address and an IPv4 socket.
    init?(_ address: PeerAddress, isIPv6: Bool) {
        if isIPv6 {
            self.init(address.socketAddressIPv6)
        } else {
            guard let v4 = address.socketAddressIPv4 else { return nil }
            self.init(v4)
        }
    }
}
