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
        call.pollTransmit(into: buffer, now: now).map { Transmit(path: .clientSide, ecn: .notCapable, byteCount: $0) }
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
        call.pollTransmit(into: buffer, now: now).map { Transmit(path: .serverSide, ecn: .notCapable, byteCount: $0) }
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
        // IPv4 and TCP with timestamps are 52 bytes, with a SYN's options 60. The last one only acknowledges.
        let request = CallExchange.request(Self.request).count
        #expect((1...SignallingSegment.maximumPayloadByteCount).contains(request))
        #expect(run.up.byteCount == 60 + (52 + 258) + (52 + request) + 52)
        #expect(run.up.packetCount == 4)
        let response = CallExchange.response(.success(Self.answer)).count
        #expect(run.down.byteCount == 60 + (52 + 722) + (52 + response))
        #expect(run.down.packetCount == 3)
    }

    /// When the first packet of each flight leaves on a path of 50 ms each way, and what its loss costs: RFC 6298's second
    /// before there is a sample; after that a round trip, and four times the variation, which after one sample is twice
    /// the round trip and Linux's floor at the same time.
    @Test(arguments: [
        ("SYN", 0, true, 1000), ("SYN-ACK", 50, false, 1000), ("ClientHello", 100, true, 300), ("ServerHello", 150, false, 300),
        ("POST", 200, true, 300), ("answer", 250, false, 300),
    ])
    func `what a lost flight costs`(name: String, sent: Int, up: Bool, cost: Double) throws {
        let undisturbed = try Self.milliseconds(Self.run(#require(NetworkProfile.named("clean"))))
        let run = try Self.run(Self.outage(from: .milliseconds(sent), up: up))
        #expect(run.up.link.drops.total + run.down.link.drops.total == 1, "\(name)")
        #expect(run.client.outcome?.1 == .answered(sdp: Self.answer.sdp))
        let extra = try Self.milliseconds(run) - undisturbed
        #expect((cost - 5...cost + 5).contains(extra), "\(name): \(extra)")
    }

    @Test func `a SYN is repeated every second, and after four times the wait doubles`() throws {
        let undisturbed = try Self.milliseconds(Self.run(#require(NetworkProfile.named("clean"))))
        // SYNs leave at 0, 1, 2, 3, 4, 5 and 7 s.
        let run = try Self.run(Self.outage(from: .zero, length: .milliseconds(5500), up: true))
        #expect(run.up.link.drops.total == 6)
        #expect(abs(try Self.milliseconds(run) - undisturbed - 7000) < 5)
    }

    @Test func `the wait for anything else doubles with each loss in a row`() throws {
        let undisturbed = try Self.milliseconds(Self.run(#require(NetworkProfile.named("clean"))))
        // The POST leaves at 200, 500 and 1,100 ms. In between the server repeats its flight, whose acknowledgement is lost too.
        let run = try Self.run(Self.outage(from: .milliseconds(200), length: .milliseconds(400), up: true))
        #expect(run.up.link.drops.total == 3)
        #expect(abs(try Self.milliseconds(run) - undisturbed - 900) < 5)
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

    @Test func `a segment survives writing and reading`() throws {
        let segment = SignallingSegment(
            flight: 4, index: 1, count: 3, acknowledgedFlight: 3, received: 0b101, sent: .zero + .seconds(1), echo: .zero + .seconds(2))
        let bytes = segment.header()
        #expect(bytes.count == SignallingSegment.headerByteCount)
        var reader = ByteReader(bytes.span)
        let read = try SignallingSegment(&reader)
        #expect(read == segment)
    }

    @Test func `no length and no mangled byte traps`() {
        let whole = SignallingSegment(
            flight: 0, index: 0, count: 1, acknowledgedFlight: nil, received: 0, sent: .zero, echo: .zero).header() + [1, 2, 3]
        for length in 0..<whole.count {
            var server = SignallingConnection(.server)
            let prefix = Array(whole.prefix(length))
            let flight = server.receive(prefix.span, now: .zero)
            #expect((flight != nil) == (length >= SignallingSegment.headerByteCount))
        }
        for index in whole.indices {
            for byte: UInt8 in [0, 1, 2, 9, 10, 11, 16, 0x7F, 0x80, 0xFF] {
                var mangled = whole
                mangled[index] = byte
                var client = SignallingConnection(.client)
                client.send([1], now: .zero)
                var server = SignallingConnection(.server)
                _ = client.receive(mangled.span, now: .zero)
                _ = server.receive(mangled.span, now: .zero)
            }
        }
    }
}
