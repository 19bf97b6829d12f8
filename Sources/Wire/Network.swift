/// An IPv4 or IPv6 socket address, without any name of the operating system's.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The address as IPv6; IPv4 is mapped (`::ffff:a.b.c.d`, RFC 4291 section 2.5.5.2).
    public var high: UInt64
    public var low: UInt64
    public var port: UInt16

    public init(high: UInt64, low: UInt64, port: UInt16) {
        self.high = high
        self.low = low
        self.port = port
    }

    public init(ipv4 a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, port: UInt16) {
        self.init(ipv4: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d), port: port)
    }

    public init(ipv4 address: UInt32, port: UInt16) {
        self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(address), port: port)
    }

    /// The IPv4 address in host order, when this is one.
    public var ipv4: UInt32? { high == 0 && low >> 32 == 0xFFFF ? UInt32(truncatingIfNeeded: low) : nil }

    /// The address without its port: what limits count by.
    public var host: PeerAddress { PeerAddress(high: high, low: low, port: 0) }

    public var description: String {
        if let ipv4 {
            return "\(ipv4 >> 24).\(ipv4 >> 16 & 255).\(ipv4 >> 8 & 255).\(ipv4 & 255):\(port)"
        }
        let groups = [high, low].flatMap { word in [48, 32, 16, 0].map { String(word >> UInt64($0) & 0xFFFF, radix: 16) } }
        return "[\(groups.joined(separator: ":"))]:\(port)"
    }
}

/// The two ends between which a datagram travels, seen from here.
public struct NetworkPath: Hashable, Sendable {
    public var local: PeerAddress
    public var remote: PeerAddress

    public init(local: PeerAddress, remote: PeerAddress) {
        self.local = local
        self.remote = remote
    }
}

/// The ECN field of an IP header (RFC 3168 section 5).
public enum ECN: UInt8, Hashable, Sendable {
    case notCapable = 0b00
    case capable1 = 0b01
    case capable0 = 0b10
    case congestionExperienced = 0b11
}

/// What a driver must know to send the bytes that an endpoint wrote into its buffer.
public struct Transmit: Hashable, Sendable {
    public var path: NetworkPath
    public var ecn: ECN
    /// How many bytes were written.
    public var byteCount: Int
    /// Where the bytes are several datagrams in a row: the size of each but the last, which may be shorter (GSO).
    public var segmentByteCount: Int?

    public init(path: NetworkPath, ecn: ECN, byteCount: Int, segmentByteCount: Int? = nil) {
        self.path = path
        self.ecn = ecn
        self.byteCount = byteCount
        self.segmentByteCount = segmentByteCount
    }
}
