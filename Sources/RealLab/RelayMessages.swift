internal import Lab
internal import Wire

/// The links that a trial wants.
struct RelayOpening: Hashable, Sendable {
    /// The trial's number in this run; its client's address says it.
    var trial: Int
    /// The origin of the links' time, on the machine's monotonic clock.
    var origin: Instant
    var upSeed: UInt64
    var downSeed: UInt64
    var profile: String
}

/// What the links of a trial saw.
struct RelayAccount: Hashable, Sendable {
    var trial: Int
    var up: TrafficRecord
    var down: TrafficRecord
    /// How long after their time packets left the link.
    var latenessP99: Duration
    /// Every packet that the client sent, in the links' time and without the bytes of the headers of IPv4 and UDP.
    var transmissions: [Transmission]
    /// Every packet that the server sent.
    var answers: [Transmission]
}

/// What a relay is told. A message is its length in four bytes, and then its body: compact, because whoever writes text
/// while packets wait makes them late.
enum RelayCommand: Hashable, Sendable {
    case open(RelayOpening)
    case close(trial: Int)
}

/// What a relay answers.
enum RelayReport: Hashable, Sendable {
    /// The namespaces stand.
    case ready
    /// They could not be made; a stable code, and a line for people.
    case refused(code: String, reason: String)
    case closed(RelayAccount)
}

/// What a message may be.
enum RelayLimits {
    /// The longest message: an hour of packets.
    static let messageByteCount = 16 << 20
}

extension RelayCommand {
    var message: [UInt8] {
        var body: [UInt8] = []
        switch self {
        case .open(let opening):
            body.append(1)
            body.append(bigEndian: UInt32(clamping: opening.trial))
            body.append(bigEndian: opening.origin.nanoseconds)
            body.append(bigEndian: opening.upSeed)
            body.append(bigEndian: opening.downSeed)
            body += opening.profile.utf8
        case .close(let trial):
            body.append(2)
            body.append(bigEndian: UInt32(clamping: trial))
        }
        return RelayMessages.framed(body)
    }

    init(_ body: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(body)
        switch try reader.readUInt8() {
        case 1:
            let trial = Int(try reader.readUInt32())
            let origin = Instant(nanoseconds: try reader.readUInt64())
            let (up, down) = (try reader.readUInt64(), try reader.readUInt64())
            guard let profile = String(validating: [UInt8](reader.readRest()), as: UTF8.self) else {
                throw .malformed("a profile's name is not UTF-8")
            }
            self = .open(RelayOpening(trial: trial, origin: origin, upSeed: up, downSeed: down, profile: profile))
        case 2:
            self = .close(trial: Int(try reader.readUInt32()))
            guard reader.isAtEnd else { throw .malformed("bytes behind a command") }
        default: throw .malformed("no such command")
        }
    }
}

extension RelayReport {
    var message: [UInt8] {
        var body: [UInt8] = []
        switch self {
        case .ready: body.append(1)
        case .refused(let code, let reason):
            body.append(2)
            body.append(UInt8(clamping: code.utf8.count))
            body += code.utf8.prefix(255)
            body += reason.utf8
        case .closed(let account):
            body.append(3)
            body.append(bigEndian: UInt32(clamping: account.trial))
            for traffic in [account.up, account.down] {
                body.append(bigEndian: UInt64(traffic.byteCount))
                body.append(bigEndian: UInt32(clamping: traffic.packetCount))
                body.append(bigEndian: UInt32(clamping: traffic.dropCount))
            }
            body.append(bigEndian: UInt64(clamping: account.latenessP99.nanoseconds))
            body.append(bigEndian: UInt32(clamping: account.transmissions.count))
            for transmission in account.transmissions + account.answers { transmission.append(to: &body) }
        }
        return RelayMessages.framed(body)
    }

    init(_ body: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(body)
        switch try reader.readUInt8() {
        case 1:
            self = .ready
            guard reader.isAtEnd else { throw .malformed("bytes behind a report") }
        case 2:
            let code = try reader.readBytes(Int(try reader.readUInt8()))
            let reason = [UInt8](reader.readRest())
            self = .refused(code: String(decoding: code, as: UTF8.self), reason: String(decoding: reason, as: UTF8.self))
        case 3:
            let trial = Int(try reader.readUInt32())
            let (up, down) = (try TrafficRecord(&reader), try TrafficRecord(&reader))
            let lateness = Duration.nanoseconds(Int64(clamping: try reader.readUInt64()))
            let count = try reader.readUInt32()
            var (transmissions, answers): ([Transmission], [Transmission]) = ([], [])
            for _ in 0..<count { transmissions.append(try Transmission(&reader)) }
            while !reader.isAtEnd { answers.append(try Transmission(&reader)) }
            self = .closed(
                RelayAccount(
                    trial: trial, up: up, down: down, latenessP99: lateness, transmissions: transmissions, answers: answers))
        default: throw .malformed("no such report")
        }
    }
}

extension TrafficRecord {
    fileprivate init(_ reader: inout ByteReader) throws(ParseError) {
        self.init()
        byteCount = Int(clamping: try reader.readUInt64())
        packetCount = Int(try reader.readUInt32())
        dropCount = Int(try reader.readUInt32())
    }
}

extension Transmission {
    /// Instant of sending, size, port, and the arrival, or why there was none.
    fileprivate func append(to body: inout [UInt8]) {
        body.append(bigEndian: sent.nanoseconds)
        body.append(bigEndian: UInt16(clamping: byteCount))
        body.append(bigEndian: port)
        switch fate {
        case .delivered(let arrival):
            body.append(0)
            body.append(bigEndian: arrival.nanoseconds)
        case .dropped(let reason):
            body.append(1)
            body.append(bigEndian: UInt64(DropReason.allCases.firstIndex(of: reason) ?? 0))
        }
    }

    fileprivate init(_ reader: inout ByteReader) throws(ParseError) {
        let sent = Instant(nanoseconds: try reader.readUInt64())
        let byteCount = Int(try reader.readUInt16())
        let port = try reader.readUInt16()
        let kind = try reader.readUInt8()
        let value = try reader.readUInt64()
        switch kind {
        case 0: self.init(sent: sent, byteCount: byteCount, fate: .delivered(at: Instant(nanoseconds: value)), port: port)
        case 1:
            guard value < UInt64(DropReason.allCases.count) else { throw .malformed("no such reason of a loss") }
            self.init(sent: sent, byteCount: byteCount, fate: .dropped(DropReason.allCases[Int(value)]), port: port)
        default: throw .malformed("no such fate of a packet")
        }
    }
}

/// Cuts what comes by a pipe into messages.
struct RelayMessages {
    private var bytes: [UInt8] = []
    private var start = 0

    static func framed(_ body: [UInt8]) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(body.count + 4)
        message.append(bigEndian: UInt32(clamping: body.count))
        return message + body
    }

    mutating func append(_ more: some Sequence<UInt8>) {
        bytes.removeFirst(start)
        start = 0
        bytes += more
    }

    /// The next body; `nil` while it is not whole.
    mutating func next() throws(ParseError) -> [UInt8]? {
        guard bytes.count - start >= 4 else { return nil }
        var reader = ByteReader(bytes.span.extracting(start..<start + 4))
        let count = Int(try reader.readUInt32())
        guard count <= RelayLimits.messageByteCount else { throw .overLimit("the length of a message") }
        guard bytes.count - start >= 4 + count else { return nil }
        defer { start += 4 + count }
        return Array(bytes[start + 4..<start + 4 + count])
    }
}
