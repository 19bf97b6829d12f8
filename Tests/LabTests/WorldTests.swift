import Lab
import Testing
import Wire

/// Sends numbered datagrams at given times, and remembers what comes back.
private final class Pinger: SimulatedEndpoint {
    private let times: [Instant]
    private var sent = 0
    private(set) var answers: [(at: Instant, bytes: [UInt8])] = []
    /// How many datagrams it hands out in one transmit.
    private let batch: Int

    init(times: [Instant], batch: Int = 1) {
        self.times = times
        self.batch = batch
    }

    var deadline: Instant? { sent < times.count ? times[sent] : nil }
    func handleTimeout(now: Instant) {}

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        answers.append((now, Array(datagram)))
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        guard let deadline, deadline <= now else { return nil }
        var bytes: [UInt8] = []
        for part in 0..<batch { bytes += Array(repeating: UInt8(truncatingIfNeeded: sent * batch + part), count: part + 1 == batch ? 50 : 100) }
        buffer.copyBytes(from: bytes)
        sent += 1
        return Transmit(
            path: .clientSide, ecn: .capable0, byteCount: bytes.count, segmentByteCount: batch > 1 ? 100 : nil)
    }
}

/// Returns every datagram at once.
private final class Echo: SimulatedEndpoint {
    private var waiting: [[UInt8]] = []
    private(set) var ecns: [ECN] = []
    let deadline: Instant? = nil
    func handleTimeout(now: Instant) {}

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        waiting.append(Array(datagram))
        ecns.append(ecn)
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        guard !waiting.isEmpty else { return nil }
        let bytes = waiting.removeFirst()
        buffer.copyBytes(from: bytes)
        return Transmit(path: .serverSide, ecn: .notCapable, byteCount: bytes.count)
    }
}

/// Names a deadline that it never serves.
private final class Sleepwalker: SimulatedEndpoint {
    let deadline: Instant? = .zero + .seconds(1)
    func handleTimeout(now: Instant) {}
    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {}
    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? { nil }
}

@Suite struct WorldTests {
    private let seed = TrialSeed(sweep: 1, profile: "p", clip: "c", trial: 0)

    /// Runs the pinger for 10 s against the echo.
    private func run(_ pinger: Pinger, over name: String) throws -> (hash: UInt64, up: Int, roundTrips: Int) {
        let profile = try #require(NetworkProfile.named(name))
        var world = World(client: pinger, server: Echo(), profile: profile, seed: seed)
        while world.now < .zero + .seconds(10) { _ = try world.step(until: .zero + .seconds(10)) }
        return (world.log.value, world.up.packetCount, world.roundTrips)
    }

    @Test func `a packet and its echo take the network's round trip, byte for byte`() throws {
        let times = (0..<5).map { Instant.zero + .milliseconds(20 * $0) }
        let pinger = Pinger(times: times)
        let end = try run(pinger, over: "clean")
        #expect(pinger.answers.map(\.bytes) == (0..<5).map { Array(repeating: UInt8($0), count: 50) })
        // 78 bytes with headers take 62.4 µs at 10 Mbit/s, each way.
        #expect(pinger.answers.map { $0.at } == times.map { $0 + .milliseconds(100) + .nanoseconds(124_800) })
        #expect(end.up == 5)
        #expect(end.roundTrips == 1)
    }

    @Test func `the segments of one transmit travel as packets of their own`() throws {
        let pinger = Pinger(times: [.zero + .milliseconds(1)], batch: 3)
        #expect(try run(pinger, over: "clean").up == 3)
        #expect(pinger.answers.map(\.bytes.count) == [100, 100, 50])
        #expect(pinger.answers.map { $0.bytes.first } == [0, 1, 2])
    }

    @Test(arguments: ["burst-10", "wifi", "bufferbloat"])
    func `the same seed gives the same log`(name: String) throws {
        let times = (0..<400).map { Instant.zero + .milliseconds(20 * $0) }
        let first = try run(Pinger(times: times), over: name)
        #expect(try run(Pinger(times: times), over: name).hash == first.hash)
        #expect(try run(Pinger(times: times.dropLast()), over: name).hash != first.hash)
    }

    @Test func `an endpoint that does not serve its deadline is found out`() throws {
        let profile = try #require(NetworkProfile.named("clean"))
        var world = World(client: Sleepwalker(), server: Echo(), profile: profile, seed: seed)
        var stalled: Stalled?
        do throws(Stalled) {
            while world.now < .zero + .seconds(2) { _ = try world.step(until: .zero + .seconds(2)) }
        } catch {
            stalled = error
        }
        #expect(stalled?.at == .zero + .seconds(1))
    }
}
