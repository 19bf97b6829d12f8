import Lab
import Testing
import Wire

@testable import RealLab

@Suite struct RelayMessageTests {
    private static let commands: [RelayCommand] = [
        .open(RelayOpening(trial: 7, origin: Instant(nanoseconds: 123_456), upSeed: .max, downSeed: 1, profile: "burst-10@25ms")),
        .close(trial: 4_000_000),
    ]
    private static let reports: [RelayReport] = [
        .ready, .refused(code: "no_tun", reason: "/dev/net/tun is missing"),
        .closed(
            RelayAccount(
                trial: 3, up: TrafficRecord(byteCount: 1000, packetCount: 3, dropCount: 2), down: TrafficRecord(byteCount: 5),
                latenessP99: .microseconds(150),
                transmissions: [
                    Transmission(sent: Instant(nanoseconds: 5), byteCount: 972, fate: .delivered(at: Instant(nanoseconds: 99)), port: 40_000),
                    Transmission(sent: Instant(nanoseconds: 6), byteCount: 10, fate: .dropped(.outage)),
                ],
                answers: [Transmission(sent: Instant(nanoseconds: 7), byteCount: 11, fate: .delivered(at: Instant(nanoseconds: 70)))])),
    ]

    /// The bodies of messages that come in pieces of `size` bytes.
    private func bodies(_ bytes: [UInt8], size: Int) throws -> [[UInt8]] {
        var messages = RelayMessages()
        var bodies: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            messages.append(bytes[start..<min(start + size, bytes.count)])
            while let body = try messages.next() { bodies.append(body) }
        }
        return bodies
    }

    @Test(arguments: [1, 3, 1000]) func `survive a pipe, whatever pieces it makes of them`(size: Int) throws {
        let commands = try bodies(Self.commands.flatMap(\.message), size: size).map { try RelayCommand($0.span) }
        #expect(commands == Self.commands)
        let reports = try bodies(Self.reports.flatMap(\.message), size: size).map { try RelayReport($0.span) }
        #expect(reports == Self.reports)
    }

    @Test func `may be cut or changed anywhere, and are then read or refused, but never trap`() {
        for body in (Self.commands.map(\.message) + Self.reports.map(\.message)).map({ Array($0.dropFirst(4)) }) {
            for count in body.indices {
                _ = try? RelayCommand(body.span.extracting(0..<count))
                _ = try? RelayReport(body.span.extracting(0..<count))
                for value in [body[count] ^ 1, body[count] ^ 0x80, 0, 255] {
                    var changed = body
                    changed[count] = value
                    _ = try? RelayCommand(changed.span)
                    _ = try? RelayReport(changed.span)
                }
            }
        }
        for body in [[], [9], [2, 0, 0, 0, 1, 0]] as [[UInt8]] {
            let command = try? RelayCommand(body.span)
            #expect(command == nil)
        }
        for body in [[], [9], [1, 0], [3, 0]] as [[UInt8]] {
            let report = try? RelayReport(body.span)
            #expect(report == nil)
        }
    }

    @Test func `a length over the limit is refused before it is waited for`() {
        var messages = RelayMessages()
        messages.append([0x7F, 0xFF, 0xFF, 0xFF])
        #expect(throws: ParseError.self) { _ = try messages.next() }
    }
}
