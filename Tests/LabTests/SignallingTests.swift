import Endpoint
@testable import Lab
import Testing
import Wire

/// A client that posts an offer and does nothing else.
private final class Caller: SimulatedEndpoint {
    private var call: CallClient
    private(set) var outcome: (at: Instant, CallClient.Outcome)?

    init(_ request: CallRequest) { call = CallClient(request, now: .zero) }

    var deadline: Instant? { call.deadline }
    func handleTimeout(now: Instant) { call.handleTimeout(now: now) }

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        guard let outcome = call.receive(Span<UInt8>(_unsafeBytes: datagram), now: now) else { return }
        #expect(self.outcome == nil, "an outcome comes once")
        self.outcome = (now, outcome)
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        call.pollTransmit(into: buffer).map { Transmit(path: .clientSide, ecn: .notCapable, byteCount: $0) }
    }
}

/// Answers every offer with the same answer, and keeps what was posted.
private final class Answerer: SimulatedEndpoint {
    private var call = CallServer()
    private let answer: Result<CallAnswer, CallRefusal>
    private(set) var requests: [CallRequest] = []

    init(_ answer: Result<CallAnswer, CallRefusal>) { self.answer = answer }

    var deadline: Instant? { call.deadline }
    func handleTimeout(now: Instant) { call.handleTimeout(now: now) }

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        call.receive(Span<UInt8>(_unsafeBytes: datagram), now: now) { request in
            requests.append(request)
            return answer
        }
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        call.pollTransmit(into: buffer).map { Transmit(path: .serverSide, ecn: .notCapable, byteCount: $0) }
    }
}

@Suite struct SignallingTests {
    private static func text(_ lines: Int) -> String {
        (0..<lines).map { "a=candidate:\($0) 1 udp 1 192.0.2.2 443 typ host\r\n" }.joined()
    }

    private static let request = CallRequest(offer: text(10), session: #"{"type":"realtime"}"#)
    private static let answer = CallAnswer(callID: "rtc_0", sdp: text(12), entityTag: "0")

    private struct Run {
        let client: Caller
        let server: Answerer
        let roundTrips: Int
        let up: Direction
        let down: Direction
        /// Neither end waits for anything any more.
        let isSilent: Bool
    }

    /// Runs until nothing is left to do, 60 s at the longest.
    private static func run(
        _ profile: NetworkProfile, request: CallRequest = request, answer: Result<CallAnswer, CallRefusal> = .success(answer), trial: Int = 0
    ) throws -> Run {
        var world = World(
            client: Caller(request), server: Answerer(answer), profile: profile,
            seed: TrialSeed(sweep: 1, profile: profile.name, clip: "", trial: trial))
        world.pump()
        var roundTrips: Int?
        while try world.step(until: .zero + .seconds(60)) {
            if roundTrips == nil, world.client.outcome != nil { roundTrips = world.roundTrips }
        }
        let isSilent = world.client.deadline == nil && world.server.deadline == nil
        return Run(
            client: world.client, server: world.server, roundTrips: roundTrips ?? -1, up: world.up, down: world.down,
            isSilent: isSilent)
    }

    private static func outage(from start: Duration, length: Duration = .milliseconds(10), up: Bool) -> NetworkProfile {
        let link = LinkProfile(delay: .milliseconds(50), bitsPerSecond: 10_000_000, queueLimit: .milliseconds(300))
        var broken = link
        broken.outage = Outage(earliestStart: start, latestStart: start, length: length)
        return NetworkProfile(name: "broken", summary: "", source: "", up: up ? broken : link, down: up ? link : broken)
    }

    private static func milliseconds(_ run: Run) throws -> Double {
        (try #require(run.client.outcome).at - .zero).milliseconds
    }

    @Test func `TCP, TLS 1.3 and the POST take a round trip each`() throws {
        let run = try Self.run(#require(NetworkProfile.named("clean")))
        #expect(run.client.outcome?.1 == .answered(sdp: Self.answer.sdp))
        #expect(run.server.requests == [Self.request])
        #expect(run.roundTrips == 3)
        #expect((300...306).contains(try Self.milliseconds(run)))
    }

    @Test func `segments weigh what TCP's do`() throws {
        let run = try Self.run(#require(NetworkProfile.named("clean")))
        // IPv4 and TCP with timestamps are 52 bytes, with a SYN's options 60; a record has 22 bytes more, and an alert in one 24.
        let request = CallExchange.request(Self.request)
        let records = request.head.count + request.body.count + 2 * 22
        #expect(records <= TCPSegment.maximumPayloadByteCount)
        // SYN, ACK, ClientHello in two, two ACKs of the ServerHello's two, Finished, POST, ACK of the answer, alert, FIN.
        #expect(run.up.byteCount == 60 + 52 + (52 + 1448) + (52 + 6) + 2 * 52 + (52 + 64) + (52 + records) + 52 + (52 + 24) + 52)
        #expect(run.up.packetCount == 11)
    }

    /// When the first packet of each flight leaves on a path of 50 ms each way, and what its loss costs: RFC 6298's second
    /// before there is a sample; after that a round trip and 200 ms, or a probe after two round trips where several segments are out.
    /// Timers of more than 252 ms fire up to 36 ms late.
    @Test(arguments: [
        ("SYN", 0, true, 1000...1040), ("SYN-ACK", 50, false, 1000...1040), ("ClientHello", 100, true, 200...340),
        ("ServerHello", 150, false, 200...340), ("POST", 200, true, 200...340), ("answer", 250, false, 200...340),
    ])
    func `what a lost flight costs`(name: String, sent: Int, up: Bool, cost: ClosedRange<Double>) throws {
        let undisturbed = try Self.milliseconds(Self.run(#require(NetworkProfile.named("clean"))))
        let run = try Self.run(Self.outage(from: .milliseconds(sent), up: up))
        #expect(run.up.link.drops.total + run.down.link.drops.total >= 1, "\(name)")
        #expect(run.client.outcome?.1 == .answered(sdp: Self.answer.sdp))
        let extra = try Self.milliseconds(run) - undisturbed
        #expect(cost.contains(extra), "\(name): \(extra)")
    }

    @Test func `a SYN is repeated every second, and after four times the wait doubles`() throws {
        let undisturbed = try Self.milliseconds(Self.run(#require(NetworkProfile.named("clean"))))
        // SYNs leave at 0, 1, 2, 3, 4, 5 and 7 s, and each timer is up to 36 ms late, that of two seconds 260.
        let run = try Self.run(Self.outage(from: .zero, length: .milliseconds(5500), up: true))
        #expect(run.up.link.drops.total == 6)
        #expect((7000...7450).contains(try Self.milliseconds(run) - undisturbed))
    }

    @Test(arguments: ["random-10", "burst-10", "outage-2s", "bufferbloat", "satellite"])
    func `offers and answers of several segments arrive whole, and the offer is answered once`(profile: String) throws {
        let request = CallRequest(offer: Self.text(60), session: Self.request.session)
        let answer = CallAnswer(callID: "rtc_0", sdp: Self.text(80), entityTag: "0")
        for trial in 0..<50 {
            let run = try Self.run(
                #require(NetworkProfile.named(profile)), request: request, answer: .success(answer), trial: trial)
            #expect(run.client.outcome?.1 == .answered(sdp: answer.sdp))
            #expect(run.server.requests == [request])
            #expect(run.isSilent)
        }
    }

    @Test(arguments: 0..<60) func `a hole in the path at any moment only costs time`(step: Int) throws {
        for up in [true, false] {
            let run = try Self.run(Self.outage(from: .milliseconds(step * 10), length: .milliseconds(15), up: up))
            #expect(run.client.outcome?.1 == .answered(sdp: Self.answer.sdp))
            #expect(run.server.requests == [Self.request])
        }
    }

    @Test func `a refused call is told with its reason`() throws {
        let run = try Self.run(#require(NetworkProfile.named("clean")), answer: .failure(.draining))
        #expect(run.client.outcome?.1 == .refused(status: 400, "HTTP/1.1 400 Bad Request draining"))
    }
}
