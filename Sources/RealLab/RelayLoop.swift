internal import CNamespaces
internal import Glibc
internal import Lab
internal import Server
internal import Wire

/// Drives a relay on two TUN devices: one thread, which does nothing else, so that packets leave in time.
struct RelayLoop {
    private let client: Int32
    private let server: Int32
    private let profiles: ProfileCatalogue
    private var relay = Relay()
    private var commands = RelayMessages()
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// How many packets are read from a device before those that are due have their turn.
    private static let packetsPerTurn = 32

    init(client: NetworkNamespace, server: NetworkNamespace, profiles: ProfileCatalogue) {
        self.profiles = profiles
        self.client = client.device
        self.server = server.device
    }

    /// Carries packets, and does what it is told by `input`, until that ends.
    mutating func run(input: Int32, output: Int32) throws(RealFailure) {
        while true {
            send()
            var descriptors = [client, server, input].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let wait = relay.deadline.map { max(0, ($0 - SystemClock.now()).nanoseconds) } ?? -1
            guard parallax_wait(&descriptors, UInt32(descriptors.count), wait) >= 0 || errno == EINTR else {
                throw .system("waiting for packets")
            }
            if descriptors[0].revents != 0 { try read(client, .client) }
            if descriptors[1].revents != 0 { try read(server, .server) }
            if descriptors[2].revents != 0, try !obey(input: input, output: output) { return }
        }
    }

    /// Lets go of what is due.
    private mutating func send() {
        while let packet = relay.popFirst(by: SystemClock.now()) {
            // A packet that the kernel does not take is lost, as a network loses; it takes every one that it gave out.
            _ = write(packet.destination == .client ? client : server, packet.bytes, packet.bytes.count)
            relay.delivered(packet, now: SystemClock.now())
        }
    }

    private mutating func read(_ device: Int32, _ side: RelaySide) throws(RealFailure) {
        for _ in 0..<Self.packetsPerTurn {
            let count = Glibc.read(device, &buffer, buffer.count)
            guard count >= 0 else {
                guard errno == EAGAIN || errno == EINTR else { throw .system("reading packets") }
                return
            }
            relay.receive(Array(buffer[..<count]), from: side, now: SystemClock.now())
        }
    }

    /// - Returns: whether there is more to come.
    private mutating func obey(input: Int32, output: Int32) throws(RealFailure) -> Bool {
        let count = Glibc.read(input, &buffer, buffer.count)
        guard count > 0 else { return count < 0 && errno == EINTR }
        commands.append(buffer[..<count])
        do throws(ParseError) {
            while let body = try commands.next() {
                switch try RelayCommand(body.span) {
                case .open(let opening):
                    guard let profile = profiles.profile(named: opening.profile) else { throw .malformed("no such profile") }
                    relay.open(opening, profile: profile)
                case .close(let trial):
                    if let account = relay.close(trial: trial) { RelayReport.closed(account).write(to: output) }
                }
            }
        } catch {
            throw .process(name: "network", reason: "was told what it cannot read: \(error)")
        }
        return true
    }
}

extension RelayReport {
    /// Writes the whole message; a reader that is gone ends this process by its own standard input.
    func write(to output: Int32) {
        var rest = message[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
