import Lab
import Testing
import Wire

@testable import RealLab

/// Between the namespaces a NAT forgets its client as the virtual one does.
@Suite struct RelayNATTests {
    private static let rebinding = Instant.zero + .seconds(2)
    private static let before = rebinding.advanced(by: .milliseconds(-1))
    private static let after = rebinding

    /// A packet with ports and a right checksum, by the definition (RFC 1071), not by a difference.
    private static func segment(_ kind: IPv4Header.Transport, from side: RelaySide, client port: UInt16, payload: [UInt8]) -> [UInt8] {
        let headerByteCount = kind == .tcp ? 20 : 8
        var bytes = packet(20 + headerByteCount + payload.count, trial: 0, from: side, protocol: kind.rawValue)
        let ports = side == .client ? [port, 4433] : [4433, port]
        for (index, port) in ports.enumerated() {
            (bytes[20 + 2 * index], bytes[21 + 2 * index]) = (UInt8(port >> 8), UInt8(port & 0xFF))
        }
        for (index, byte) in payload.enumerated() { bytes[20 + headerByteCount + index] = byte }
        let place = 20 + kind.checksumOffset
        (bytes[place], bytes[place + 1]) = (0, 0)
        let sum = checksum(bytes, kind)
        (bytes[place], bytes[place + 1]) = (UInt8(sum >> 8), UInt8(sum & 0xFF))
        return bytes
    }

    /// Of a packet whose field is zero the checksum; of one whose field is right 0.
    private static func checksum(_ packet: [UInt8], _ kind: IPv4Header.Transport) -> UInt16 {
        var words = Array(packet[12..<20])
        words += [0, kind.rawValue, UInt8((packet.count - 20) >> 8), UInt8((packet.count - 20) & 0xFF)]
        words += packet[20...]
        if words.count % 2 == 1 { words.append(0) }
        var sum: UInt32 = 0
        for index in stride(from: 0, to: words.count, by: 2) { sum += UInt32(words[index]) << 8 | UInt32(words[index + 1]) }
        while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
        return ~UInt16(sum)
    }

    private static func ports(_ packet: [UInt8]) -> [UInt16] {
        [UInt16(packet[20]) << 8 | UInt16(packet[21]), UInt16(packet[22]) << 8 | UInt16(packet[23])]
    }

    @Test(arguments: [IPv4Header.Transport.udp, .tcp])
    func `before it forgets, nothing is touched`(kind: IPv4Header.Transport) throws {
        var nat = RelayNAT(rebinding: Self.rebinding)
        for side in [RelaySide.client, .server] {
            let packet = Self.segment(kind, from: side, client: 40_000, payload: [1, 2, 3])
            var seen = packet
            let header = try IPv4Header(packet.span)
            if side == .client {
                nat.translate(outward: &seen, header, now: Self.before)
            } else {
                let isKnown = nat.translate(inward: &seen, header, now: Self.before)
                #expect(isKnown)
            }
            #expect(seen == packet)
        }
    }

    @Test(arguments: [IPv4Header.Transport.udp, .tcp], [UInt16(32_768), 40_001, 60_999, 65_535])
    func `afterwards the server sees another port, and what it answers there comes back`(kind: IPv4Header.Transport, port: UInt16) throws {
        var nat = RelayNAT(rebinding: Self.rebinding)
        for payload in [[], [0xFF], Array(repeating: UInt8(0xFF), count: 51), [0, 0, 0]] as [[UInt8]] {
            var out = Self.segment(kind, from: .client, client: port, payload: payload)
            nat.translate(outward: &out, try IPv4Header(out.span), now: Self.after)
            #expect(Self.ports(out) == [port - RelayNAT.portDistance, 4433])
            #expect(Self.checksum(out, kind) == 0)
            var back = Self.segment(kind, from: .server, client: port - RelayNAT.portDistance, payload: payload)
            let isKnown = nat.translate(inward: &back, try IPv4Header(back.span), now: Self.after)
            #expect(isKnown)
            #expect(Self.ports(back) == [4433, port])
            #expect(Self.checksum(back, kind) == 0)
        }
    }

    @Test func `what the server sends to the former port leads nowhere`() throws {
        var nat = RelayNAT(rebinding: Self.rebinding)
        var out = Self.segment(.udp, from: .client, client: 40_000, payload: [1])
        nat.translate(outward: &out, try IPv4Header(out.span), now: Self.after)
        var back = Self.segment(.udp, from: .server, client: 40_000, payload: [1])
        let isKnown = nat.translate(inward: &back, try IPv4Header(back.span), now: Self.after)
        #expect(!isKnown)
    }

    @Test func `UDP without a checksum stays without one, and what has no ports is let pass`() throws {
        var nat = RelayNAT(rebinding: Self.rebinding)
        var bare = Self.segment(.udp, from: .client, client: 40_000, payload: [1])
        (bare[26], bare[27]) = (0, 0)
        nat.translate(outward: &bare, try IPv4Header(bare.span), now: Self.after)
        #expect(bare[26] == 0 && bare[27] == 0 && Self.ports(bare)[0] == 20_000)
        // ICMP; a later fragment; a UDP header cut short.
        var others = [packet(60, trial: 0, protocol: 1), packet(60, trial: 0), packet(24, trial: 0)]
        others[1][7] = 9
        for other in others {
            var seen = other
            nat.translate(outward: &seen, try IPv4Header(other.span), now: Self.after)
            #expect(seen == other)
            let isKnown = nat.translate(inward: &seen, try IPv4Header(other.span), now: Self.after)
            #expect(isKnown && seen == other)
        }
    }

    @Test func `a relay's trial has its NAT, at the moment at which virtual time has it`() throws {
        let network = try #require(NetworkProfile.named("nat-rebinding"))
        let moment = try #require(network.rebinding).instant(seed: 7)
        let origin = Instant(nanoseconds: 1_000_000_000_000)
        var relay = Relay()
        relay.open(RelayOpening(trial: 0, origin: origin, upSeed: 7, downSeed: 8, profile: "nat-rebinding"), profile: network)
        for milliseconds in [-5, 0, 5] {
            let bytes = Self.segment(.udp, from: .client, client: 40_000, payload: [1])
            relay.receive(bytes, from: .client, now: origin + (moment - .zero) + .milliseconds(milliseconds))
        }
        var ports: [UInt16] = []
        while let packet = relay.popFirst(by: .distantFuture) { ports.append(Self.ports(packet.bytes)[0]) }
        #expect(ports == [40_000, 20_000, 20_000])
        let later = origin + (moment - .zero) + .milliseconds(10)
        relay.receive(Self.segment(.udp, from: .server, client: 40_000, payload: [1]), from: .server, now: later)
        #expect(relay.strayCount == 1)
        #expect(relay.deadline == nil)
    }
}
