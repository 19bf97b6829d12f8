internal import Lab
internal import Wire

/// The NAT before a trial's client, as the virtual world has it: at one moment it forgets its client. From then on the server sees
/// other ports, and what it sends to the former ones leads nowhere.
struct RelayNAT: Sendable {
    /// Ours, and the client's port that it stands for.
    private var inside: [UInt16: UInt16] = [:]
    private let rebinding: Instant

    /// Ports lie so far from the client's own, downwards: those that Linux hands out (from 32,768) stay above the well-known ones.
    static let portDistance: UInt16 = 20_000

    /// - Parameter rebinding: when it forgets.
    init(rebinding: Instant) { self.rebinding = rebinding }

    /// Rewrites a packet of the client's.
    mutating func translate(outward packet: inout [UInt8], _ header: IPv4Header, now: Instant) {
        guard now >= rebinding, let offset = header.portsOffset else { return }
        let port = UInt16(packet[offset]) << 8 | UInt16(packet[offset + 1])
        let translated = port &- Self.portDistance
        inside[translated] = port
        Self.replacePort(at: offset, with: translated, in: &packet, header)
    }

    /// Rewrites a packet of the server's.
    /// - Returns: whether there is a client for it.
    func translate(inward packet: inout [UInt8], _ header: IPv4Header, now: Instant) -> Bool {
        guard now >= rebinding, let offset = header.portsOffset.map({ $0 + 2 }) else { return true }
        guard let port = inside[UInt16(packet[offset]) << 8 | UInt16(packet[offset + 1])] else { return false }
        Self.replacePort(at: offset, with: port, in: &packet, header)
        return true
    }

    /// Changes a port, and the checksum that covers it, by the difference (RFC 1624 section 3).
    private static func replacePort(at offset: Int, with port: UInt16, in packet: inout [UInt8], _ header: IPv4Header) {
        let old = UInt16(packet[offset]) << 8 | UInt16(packet[offset + 1])
        (packet[offset], packet[offset + 1]) = (UInt8(port >> 8), UInt8(port & 0xFF))
        guard let place = header.checksumOffset else { return }
        let checksum = UInt16(packet[place]) << 8 | UInt16(packet[place + 1])
        // UDP may do without (RFC 768).
        guard checksum != 0 || header.transport != .udp else { return }
        var sum = UInt32(~checksum) + UInt32(~old) + UInt32(port)
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        var changed = ~UInt16(sum)
        if changed == 0, header.transport == .udp { changed = 0xFFFF }
        (packet[place], packet[place + 1]) = (UInt8(changed >> 8), UInt8(changed & 0xFF))
    }
}
