import Lab
import Testing
import Wire

@testable import RealLab

/// An IPv4 packet of `count` bytes between a trial's client and the server, with a number in its last byte.
func packet(
    _ count: Int, trial: Int, from side: RelaySide = .client, number: UInt8 = 0, protocol kind: UInt8 = 17, port: UInt16 = 0
) -> [UInt8] {
    let client = RealAddresses.client(trial)
    let (source, destination) = side == .client ? (client, RealAddresses.server) : (RealAddresses.server, client)
    var bytes: [UInt8] = [0x45, 0]
    bytes.append(bigEndian: UInt16(count))
    bytes += [0, 0, 0x40, 0, 64, kind, 0, 0]
    bytes.append(bigEndian: source)
    bytes.append(bigEndian: destination)
    for endPort in side == .client ? [port, 443] : [443, port] { bytes.append(bigEndian: endPort) }
    bytes += Array(repeating: 0, count: count - bytes.count)
    bytes[count - 1] = number
    return bytes
}

func profile(_ link: LinkProfile) -> NetworkProfile {
    NetworkProfile(name: "test", summary: "", source: "", up: link, down: link)
}

@Suite struct RelayTests {
    /// A machine has been on for a while when a trial begins.
    private static let origin = Instant(nanoseconds: 86_400_000_000_000)
    /// 1 Mbit/s: a packet of 1,000 bytes takes 8 ms.
    private static let slow = LinkProfile(delay: .milliseconds(50), bitsPerSecond: 1_000_000, queueLimit: .milliseconds(20))

    private func opening(_ trial: Int, seeds: (UInt64, UInt64) = (1, 2)) -> RelayOpening {
        RelayOpening(trial: trial, origin: Self.origin, upSeed: seeds.0, downSeed: seeds.1, profile: "test")
    }

    private func drain(_ relay: inout Relay) -> [RelayedPacket] {
        var packets: [RelayedPacket] = []
        while let packet = relay.popFirst(by: .distantFuture) { packets.append(packet) }
        return packets
    }

    @Test func `packets leave after waiting, transmission and delay, and no sooner`() throws {
        var relay = Relay()
        relay.open(opening(0), profile: profile(Self.slow))
        let start = Self.origin + .milliseconds(100)
        relay.receive(packet(1000, trial: 0, number: 1), from: .client, now: start)
        relay.receive(packet(1000, trial: 0, number: 2), from: .client, now: start + .milliseconds(2))
        #expect(relay.deadline == start + .milliseconds(58))
        let early = relay.popFirst(by: start + .milliseconds(57))
        #expect(early == nil)
        let packets = drain(&relay)
        #expect(packets.map(\.arrival) == [start + .milliseconds(58), start + .milliseconds(66)])
        #expect(packets.map { $0.bytes.last } == [1, 2])
        #expect(packets.allSatisfy { $0.destination == .server && $0.bytes.count == 1000 })
        #expect(relay.deadline == nil)
    }

    @Test func `a packet that finds the queue full is dropped and counted`() throws {
        var relay = Relay()
        relay.open(opening(0), profile: profile(Self.slow))
        for number in 0..<4 { relay.receive(packet(1000, trial: 0, number: UInt8(number)), from: .client, now: Self.origin) }
        // 20 ms of queue hold two packets and a half.
        let packets = drain(&relay)
        #expect(packets.map { $0.bytes.last } == [0, 1])
        let closed = relay.close(trial: 0)
        let account = try #require(closed)
        #expect(account.up == TrafficRecord(byteCount: 4000, packetCount: 4, dropCount: 2))
        #expect(account.down == TrafficRecord())
        #expect(account.transmissions.map(\.fate) == [
            .delivered(at: .zero + .milliseconds(58)), .delivered(at: .zero + .milliseconds(66)), .dropped(.queueFull), .dropped(.queueFull),
        ])
        #expect(account.transmissions.allSatisfy { $0.byteCount == 972 && $0.sent == .zero })
    }

    @Test func `directions and trials do not wait for each other`() {
        var relay = Relay()
        relay.open(opening(0), profile: profile(Self.slow))
        relay.open(opening(7), profile: profile(Self.slow))
        relay.receive(packet(1000, trial: 0), from: .client, now: Self.origin)
        relay.receive(packet(1000, trial: 0, from: .server), from: .server, now: Self.origin)
        relay.receive(packet(1000, trial: 7), from: .client, now: Self.origin)
        let packets = drain(&relay)
        #expect(packets.map(\.arrival) == Array(repeating: Self.origin + .milliseconds(58), count: 3))
        #expect(packets.map(\.destination) == [.server, .client, .server])
        #expect(packets.map(\.trial) == [0, 0, 7])
    }

    @Test func `a packet is known by its client's port, even behind a NAT that gave it another`() throws {
        var profile = profile(Self.slow)
        profile.rebinding = Rebinding(earliest: .milliseconds(10), latest: .milliseconds(10))
        var relay = Relay()
        relay.open(opening(0), profile: profile)
        for milliseconds in [0, 20] {
            relay.receive(packet(100, trial: 0, port: 40_000), from: .client, now: Self.origin + .milliseconds(milliseconds))
        }
        relay.receive(packet(100, trial: 0, from: .server, port: 20_000), from: .server, now: Self.origin + .milliseconds(30))
        let closed = relay.close(trial: 0)
        let account = try #require(closed)
        #expect((account.transmissions + account.answers).map(\.port) == [40_000, 40_000, 40_000])
    }

    @Test(arguments: [40, 52, 60, 1500]) func `a TCP segment weighs what it weighs`(count: Int) throws {
        var relay = Relay()
        relay.open(opening(0), profile: profile(Self.slow))
        relay.receive(packet(count, trial: 0, protocol: 6), from: .client, now: Self.origin)
        #expect(relay.deadline == Self.origin + .milliseconds(50) + .microseconds(8 * count))
        let closed = relay.close(trial: 0)
        #expect(try #require(closed).up.byteCount == count)
    }

    @Test func `what belongs to no trial goes nowhere`() {
        var relay = Relay()
        relay.open(opening(3), profile: profile(Self.slow))
        relay.receive(packet(100, trial: 4), from: .client, now: Self.origin)
        // The client's device itself; and the right address on the wrong side.
        relay.receive(packet(100, trial: 3, from: .server), from: .client, now: Self.origin)
        relay.receive([0x60] + Array(repeating: 0, count: 60), from: .client, now: Self.origin)
        relay.receive([], from: .server, now: Self.origin)
        #expect(relay.deadline == nil)
        #expect(relay.strayCount == 4)
        _ = relay.close(trial: 3)
        relay.receive(packet(100, trial: 3), from: .client, now: Self.origin)
        #expect(relay.strayCount == 5)
        let again = relay.close(trial: 3)
        #expect(again == nil)
    }

    @Test func `lateness is that of the 99th percentile of a trial's packets`() throws {
        var relay = Relay()
        relay.open(opening(0), profile: profile(LinkProfile(delay: .milliseconds(1), bitsPerSecond: 1_000_000_000, queueLimit: .seconds(1))))
        for number in 0..<200 {
            relay.receive(packet(100, trial: 0), from: .client, now: Self.origin + .milliseconds(10 * number))
            let next = relay.popFirst(by: .distantFuture)
            let packet = try #require(next)
            // Three of 200 are 9 ms late.
            relay.delivered(packet, now: packet.arrival + (number % 66 == 65 ? .milliseconds(9) : .microseconds(100)))
        }
        let closed = relay.close(trial: 0)
        #expect(try #require(closed).latenessP99 == .milliseconds(9))
    }

    @Test(arguments: ["clean", "wifi", "burst-10", "random-10", "bufferbloat", "outage-2s"])
    func `the same packets meet the same network as in virtual time`(name: String) throws {
        let network = try #require(NetworkProfile.named(name))
        let seed = TrialSeed(sweep: 9, profile: name, clip: "c", trial: 0)
        let times = (0..<400).map { Instant.zero + .microseconds(20_000 * $0 + 300) }
        let listener = Listener()
        var world = World(client: Speaker(times: times, byteCount: 200), server: listener, profile: network, seed: seed)
        while world.now < .zero + .seconds(10) { _ = try world.step(until: .zero + .seconds(10)) }

        var relay = Relay()
        relay.open(opening(0, seeds: (seed.upLink, seed.downLink)), profile: network)
        for time in times {
            relay.receive(packet(200 + Link.headerByteCount, trial: 0), from: .client, now: Self.origin + (time - .zero))
        }
        let packets = drain(&relay)
        #expect(packets.map { Instant.zero + ($0.arrival - Self.origin) } == listener.arrivals)
        #expect(!listener.arrivals.isEmpty)
    }
}

/// Sends datagrams of one size at given times.
private final class Speaker: SimulatedEndpoint {
    private let times: [Instant]
    private let byteCount: Int
    private var sent = 0

    init(times: [Instant], byteCount: Int) {
        self.times = times
        self.byteCount = byteCount
    }

    var deadline: Instant? { sent < times.count ? times[sent] : nil }
    func handleTimeout(now: Instant) {}
    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {}

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        guard let deadline, deadline <= now else { return nil }
        sent += 1
        return Transmit(path: .clientSide, ecn: .notCapable, byteCount: byteCount)
    }
}

private final class Listener: SimulatedEndpoint {
    private(set) var arrivals: [Instant] = []
    let deadline: Instant? = nil
    func handleTimeout(now: Instant) {}
    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) { arrivals.append(now) }
    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? { nil }
}
