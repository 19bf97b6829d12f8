internal import Wire

/// One capsule of WebTransport on its CONNECT stream (RFC 9297 section 3, draft-ietf-webtrans-http3-16 sections 5 and 6).
package enum Capsule: Hashable, Sendable {
    /// The session ends; `reason` has at most 1024 bytes of UTF-8. Nothing may follow it on the stream.
    case closeSession(code: UInt32, reason: String)
    /// The sender asks for no new work.
    case drainSession
    case maxData(UInt64)
    case maxStreams(UInt64, isUnidirectional: Bool)
    case dataBlocked(limit: UInt64)
    case streamsBlocked(limit: UInt64, isUnidirectional: Bool)
    /// A capsule of a type that means nothing here; its value is skipped.
    case unknown(type: UInt64)
}

extension Capsule {
    /// The longest close reason, in bytes of UTF-8.
    package static let maximumReasonByteCount = 1024

    enum Kind {
        static let closeSession: UInt64 = 0x2843
        static let drainSession: UInt64 = 0x78AE
        static let maxData: UInt64 = 0x190B_4D3D
        static let maxStreamsBidi: UInt64 = 0x190B_4D3F
        static let maxStreamsUni: UInt64 = 0x190B_4D40
        static let dataBlocked: UInt64 = 0x190B_4D41
        static let streamsBlockedBidi: UInt64 = 0x190B_4D43
        static let streamsBlockedUni: UInt64 = 0x190B_4D44
    }

    /// The capsule as it travels. A reason that is too long is cut at a character's border; `.unknown` is empty.
    package var bytes: [UInt8] {
        switch self {
        case .closeSession(let code, let reason):
            var value: [UInt8] = []
            value.append(bigEndian: code)
            value.append(contentsOf: Self.shortened(reason).utf8)
            return Self.bytes(Kind.closeSession, value)
        case .drainSession: return Self.bytes(Kind.drainSession, [])
        case .maxData(let limit): return Self.bytes(Kind.maxData, limit)
        case .maxStreams(let limit, let isUnidirectional):
            return Self.bytes(isUnidirectional ? Kind.maxStreamsUni : Kind.maxStreamsBidi, limit)
        case .dataBlocked(let limit): return Self.bytes(Kind.dataBlocked, limit)
        case .streamsBlocked(let limit, let isUnidirectional):
            return Self.bytes(isUnidirectional ? Kind.streamsBlockedUni : Kind.streamsBlockedBidi, limit)
        case .unknown(let type): return Self.bytes(type, [])
        }
    }

    /// `reason` within `maximumReasonByteCount`, cut at a character's border.
    package static func shortened(_ reason: String) -> String {
        guard reason.utf8.count > maximumReasonByteCount else { return reason }
        var shortened = ""
        var byteCount = 0
        for character in reason {
            byteCount += character.utf8.count
            guard byteCount <= maximumReasonByteCount else { break }
            shortened.append(character)
        }
        return shortened
    }

    private static func bytes(_ type: UInt64, _ value: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varInt: type)
        bytes.append(varInt: UInt64(value.count))
        bytes.append(contentsOf: value)
        return bytes
    }

    private static func bytes(_ type: UInt64, _ integer: UInt64) -> [UInt8] {
        var value: [UInt8] = []
        value.append(varInt: min(integer, VarInt.max))
        return bytes(type, value)
    }
}

/// Reads capsules from the CONNECT stream's data, which comes in pieces of any size. At most one value of
/// 1028 bytes is kept, whatever length the peer claims.
package struct CapsuleReader: Sendable {
    private enum State {
        case betweenCapsules
        case value(type: UInt64, byteCount: Int)
        case skipping(remaining: UInt64)
        case closed
    }

    private var state = State.betweenCapsules
    private var pending = PendingBytes()

    package init() {}

    package mutating func append(_ piece: [UInt8]) { pending.append(piece) }

    /// The next capsule, or `nil` when more bytes are needed. After an error the reader must not be used again.
    /// - Throws: H3_MESSAGE_ERROR for a value that its type does not allow, and for bytes after the close.
    package mutating func next() throws(HTTP3Error) -> Capsule? {
        while true {
            switch state {
            case .betweenCapsules:
                guard let head = pending.takeTypeAndLength() else { return nil }
                if let capsule = try begin(type: head.type, length: head.length) { return capsule }
            case .skipping(let remaining):
                let rest = pending.skip(remaining)
                guard rest == 0 else {
                    state = .skipping(remaining: rest)
                    return nil
                }
                state = .betweenCapsules
            case .value(let type, let byteCount):
                guard pending.count >= byteCount else { return nil }
                state = type == Capsule.Kind.closeSession ? .closed : .betweenCapsules
                return try read(type: type, value: pending.take(byteCount))
            case .closed:
                guard pending.isEmpty else { throw HTTP3Error(.messageError, "bytes after the close capsule") }
                return nil
            }
        }
    }

    /// Checks that the stream may end here.
    package func finish() throws(HTTP3Error) {
        switch state {
        case .betweenCapsules where pending.isEmpty, .closed: return
        default: throw HTTP3Error(.messageError, "the stream ends inside a capsule")
        }
    }

    private mutating func begin(type: UInt64, length: UInt64) throws(HTTP3Error) -> Capsule? {
        let limit: Int
        switch type {
        case Capsule.Kind.closeSession: limit = 4 + Capsule.maximumReasonByteCount
        case Capsule.Kind.drainSession: limit = 0
        case Capsule.Kind.maxData, Capsule.Kind.maxStreamsBidi, Capsule.Kind.maxStreamsUni,
            Capsule.Kind.dataBlocked, Capsule.Kind.streamsBlockedBidi, Capsule.Kind.streamsBlockedUni:
            limit = 8
        default:
            state = .skipping(remaining: length)
            return .unknown(type: type)
        }
        guard length <= UInt64(limit) else { throw HTTP3Error(.messageError, "a capsule is longer than its type allows") }
        state = .value(type: type, byteCount: Int(length))
        return nil
    }

    private func read(type: UInt64, value: [UInt8]) throws(HTTP3Error) -> Capsule {
        var reader = ByteReader(value.span)
        switch type {
        case Capsule.Kind.closeSession:
            guard let code = try? reader.readUInt32() else { throw HTTP3Error(.messageError, "a close capsule without a code") }
            return .closeSession(code: code, reason: String(decoding: value[4...], as: UTF8.self))
        case Capsule.Kind.drainSession: return .drainSession
        default: break
        }
        guard let integer = try? reader.readVarInt(), reader.isAtEnd else {
            throw HTTP3Error(.messageError, "a capsule of one integer holds something else")
        }
        switch type {
        case Capsule.Kind.maxData: return .maxData(integer)
        case Capsule.Kind.dataBlocked: return .dataBlocked(limit: integer)
        case Capsule.Kind.maxStreamsBidi: return .maxStreams(try streamCount(integer), isUnidirectional: false)
        case Capsule.Kind.maxStreamsUni: return .maxStreams(try streamCount(integer), isUnidirectional: true)
        case Capsule.Kind.streamsBlockedBidi: return .streamsBlocked(limit: try streamCount(integer), isUnidirectional: false)
        default: return .streamsBlocked(limit: try streamCount(integer), isUnidirectional: true)
        }
    }

    /// Streams are numbered up to 2^60 (RFC 9000 section 4.6).
    private func streamCount(_ value: UInt64) throws(HTTP3Error) -> UInt64 {
        guard value <= 1 << 60 else { throw HTTP3Error(.flowControlError, "more streams than there are numbers") }
        return value
    }
}
