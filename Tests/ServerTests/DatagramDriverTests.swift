import NIOCore
import NIOPosix
import Server
import Testing
import Wire

/// The driver on real sockets of the loopback interface; each test takes milliseconds.
@Suite struct DatagramDriverTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test func `a datagram goes out, comes back, and both ends see each other's address`() throws {
        let server = try DatagramDriver<Echo>.start(host: "127.0.0.1", port: 0, on: loop) { _, _ in Echo() }
        let remote = server.local
        let done = loop.makePromise(of: [[UInt8]].self)
        let client = try DatagramDriver<Sender>.start(host: "127.0.0.1", port: 0, on: loop) { local, _ in
            Sender(NetworkPath(local: local, remote: remote), bursts: [([1, 2, 3], nil)], expected: 1) { done.succeed($0) }
        }
        #expect(try done.futureResult.wait() == [[1, 2, 3]])
        let paths = try server.command { endpoint, _ in endpoint.paths }.wait()
        #expect(paths == [NetworkPath(local: server.local, remote: client.local)])
        try client.close().wait()
        try server.close().wait()
    }

    @Test(arguments: ["127.0.0.1", "0.0.0.0", "::"])
    func `segments of a burst arrive as datagrams, with their ECN mark, on every kind of socket`(host: String) throws {
        let server = try DatagramDriver<Echo>.start(host: host, port: 0, on: loop) { _, _ in Echo() }
        let remote = PeerAddress(ipv4: 127, 0, 0, 1, port: server.local.port)
        let done = loop.makePromise(of: [[UInt8]].self)
        let burst = [UInt8](0..<25)
        let client = try DatagramDriver<Sender>.start(host: "127.0.0.1", port: 0, on: loop) { local, _ in
            Sender(NetworkPath(local: local, remote: remote), bursts: [(burst, 10)], expected: 3) { done.succeed($0) }
        }
        #expect(try done.futureResult.wait().map(\.count) == [10, 10, 5])
        let marks = try server.command { endpoint, _ in endpoint.marks }.wait()
        #expect(marks == [.capable0, .capable0, .capable0])
        // Also behind a wildcard the endpoint learns which address was hit.
        let locals = try server.command { endpoint, _ in Set(endpoint.paths.map(\.local)) }.wait()
        #expect(locals == [remote])
        try client.close().wait()
        try server.close().wait()
    }

    @Test func `more than one turn may send is sent all the same`() throws {
        var limits = DriverLimits()
        limits.transmitsPerTurn = 3
        let server = try DatagramDriver<Echo>.start(host: "127.0.0.1", port: 0, on: loop) { _, _ in Echo() }
        let remote = server.local
        let done = loop.makePromise(of: [[UInt8]].self)
        let client = try DatagramDriver<Sender>.start(host: "127.0.0.1", port: 0, on: loop, limits: limits) { local, _ in
            let bursts = (0..<20).map { ([UInt8($0)], nil as Int?) }
            return Sender(NetworkPath(local: local, remote: remote), bursts: bursts, expected: 20) { done.succeed($0) }
        }
        #expect(try done.futureResult.wait() == (0..<20).map { [UInt8($0)] })
        try client.close().wait()
        try server.close().wait()
    }

    @Test func `an endpoint that is not made leaves no socket behind`() throws {
        struct Unwanted: Error {}
        let free = try DatagramDriver<Echo>.start(host: "127.0.0.11", port: 0, on: loop) { _, _ in Echo() }
        try free.close().wait()
        let port = Int(free.local.port)
        #expect(throws: Unwanted.self) { try DatagramDriver<Echo>.start(host: "127.0.0.11", port: port, on: loop) { _, _ in throw Unwanted() } }
        let next = try DatagramDriver<Echo>.start(host: "127.0.0.11", port: port, on: loop) { _, _ in Echo() }
        try next.close().wait()
    }

    @Test func `a deadline is met, also one that lies before the one already set`() throws {
        let done = loop.makePromise(of: [Duration].self)
        let driver = try DatagramDriver<Timers>.start(host: "127.0.0.1", port: 0, on: loop) { _, now in
            Timers(waits: [.milliseconds(30), .milliseconds(5)], now: now) { done.succeed($0) }
        }
        _ = try driver.command { endpoint, now in endpoint.setNext(now: now) }.wait()
        let lateness = try done.futureResult.wait()
        #expect(lateness.count == 2)
        #expect(lateness.allSatisfy { $0 >= .zero })
        try driver.close().wait()
    }

    @Test func `a port that is in use is named, with what to do`() throws {
        let first = try DatagramDriver<Echo>.start(host: "127.0.0.1", port: 0, on: loop) { _, _ in Echo() }
        let port = Int(first.local.port)
        let error = #expect(throws: DriverError.self) {
            try DatagramDriver<Echo>.start(host: "127.0.0.1", port: port, on: loop) { _, _ in Echo() }
        }
        #expect(error == .portInUse(host: "127.0.0.1", port: port))
        #expect(error?.code == "port_in_use")
        #expect(error?.description.contains("--port") == true)
        try first.close().wait()
    }

    @Test(arguments: [
        ("no.such.host.invalid", 0, "host_unknown"),
        ("127.0.0.1", 65_536, "host_unknown"),
        ("192.0.2.1", 0, "address_not_available"),
    ])
    func `an address that cannot be bound is a typed error`(host: String, port: Int, code: String) {
        let error = #expect(throws: DriverError.self) {
            try DatagramDriver<Echo>.start(host: host, port: port, on: loop) { _, _ in Echo() }
        }
        #expect(error?.code == code)
    }
}

/// Sends back what it gets, and remembers from where.
private final class Echo: DatagramEndpoint {
    private var waiting = BoundedQueue<([UInt8], NetworkPath)>(limit: 64)
    private(set) var paths: [NetworkPath] = []
    private(set) var marks: [ECN] = []

    var deadline: Instant? { nil }
    func handleTimeout(now: Instant) {}

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        paths.append(path)
        marks.append(ecn)
        waiting.append(([UInt8](datagram), path))
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        guard let (bytes, path) = waiting.popFirst() else { return nil }
        buffer.copyBytes(from: bytes)
        return Transmit(path: path, ecn: .notCapable, byteCount: bytes.count)
    }
}

/// Sends bursts at once and tells when so many datagrams have come back.
private final class Sender: DatagramEndpoint {
    private let path: NetworkPath
    private var bursts: [(bytes: [UInt8], segment: Int?)]
    private let expected: Int
    private var received: [[UInt8]] = []
    private let done: ([[UInt8]]) -> Void

    init(_ path: NetworkPath, bursts: [([UInt8], Int?)], expected: Int, done: @escaping ([[UInt8]]) -> Void) {
        self.path = path
        self.bursts = bursts
        self.expected = expected
        self.done = done
    }

    var deadline: Instant? { nil }
    func handleTimeout(now: Instant) {}

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        received.append([UInt8](datagram))
        if received.count == expected { done(received) }
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        guard !bursts.isEmpty else { return nil }
        let (bytes, segment) = bursts.removeFirst()
        buffer.copyBytes(from: bytes)
        return Transmit(path: path, ecn: .capable0, byteCount: bytes.count, segmentByteCount: segment)
    }
}

/// Waits for one deadline after the other and notes how late each was met.
private final class Timers: DatagramEndpoint {
    private var waits: [Duration]
    private var deadlines: [Instant] = []
    private var lateness: [Duration] = []
    private let done: ([Duration]) -> Void

    init(waits: [Duration], now: Instant, done: @escaping ([Duration]) -> Void) {
        self.waits = waits
        self.done = done
        setNext(now: now)
    }

    func setNext(now: Instant) {
        guard !waits.isEmpty else { return }
        deadlines.append(now + waits.removeFirst())
    }

    var deadline: Instant? { deadlines.min() }

    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {}

    func handleTimeout(now: Instant) {
        for deadline in deadlines where deadline <= now { lateness.append(now - deadline) }
        deadlines.removeAll { $0 <= now }
        if lateness.count == 2 { done(lateness) }
    }

    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? { nil }
}
