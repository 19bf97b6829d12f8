internal import Wire

/// One frame of a control or request stream (RFC 9114 section 7.2), or a piece of one.
package enum HTTP3Frame: Hashable, Sendable {
    /// A piece of a DATA frame's payload; a frame gives as many as the stream's bytes came in.
    case data([UInt8])
    /// An encoded field section, whole.
    case headers([UInt8])
    case settings(HTTP3Settings)
    case goaway(id: UInt64)
    case maxPushID(UInt64)
    case cancelPush(id: UInt64)
    /// A PUSH_PROMISE was begun; it is never read further, since we allow no push.
    case pushPromise
    /// A frame of a type that means nothing here; its payload is skipped.
    case unknown(type: UInt64)
}

/// The types of frames (RFC 9114 section 11.2.1).
package enum HTTP3FrameType {
    package static let data: UInt64 = 0x0
    package static let headers: UInt64 = 0x1
    package static let cancelPush: UInt64 = 0x3
    package static let settings: UInt64 = 0x4
    package static let pushPromise: UInt64 = 0x5
    package static let goaway: UInt64 = 0x7
    package static let maxPushID: UInt64 = 0xD

    /// Types of HTTP/2 that no HTTP/3 endpoint may send (RFC 9114 section 7.2.8).
    package static func isReservedByHTTP2(_ type: UInt64) -> Bool { [0x2, 0x6, 0x8, 0x9].contains(type) }
}

/// Reads frames from a stream whose bytes come in pieces of any size. Memory is bounded by the limits, whatever the peer claims.
package struct HTTP3FrameReader: Sendable {
    /// The longest payloads that are kept until they are whole.
    package struct Limits: Hashable, Sendable {
        package var headersByteCount = 16 * 1024
        package var settingsByteCount = 2 * 1024

        package init() {}
    }

    private enum State {
        case betweenFrames
        case payload(type: UInt64, byteCount: Int)
        case data(remaining: UInt64)
        case skipping(remaining: UInt64)
    }

    private var state = State.betweenFrames
    private var pending = PendingBytes()
    private let limits: Limits

    package init(limits: Limits = Limits()) { self.limits = limits }

    package mutating func append(_ piece: [UInt8]) { pending.append(piece) }

    /// The next frame, or `nil` when more bytes are needed. After an error the reader must not be used again.
    package mutating func next() throws(HTTP3Error) -> HTTP3Frame? {
        while true {
            switch state {
            case .betweenFrames:
                guard let head = pending.takeTypeAndLength() else { return nil }
                if let frame = try begin(type: head.type, length: head.length) { return frame }
            case .data(let remaining):
                guard remaining > 0 else {
                    state = .betweenFrames
                    continue
                }
                guard !pending.isEmpty else { return nil }
                let piece = pending.take(Int(min(UInt64(pending.count), remaining)))
                state = .data(remaining: remaining - UInt64(piece.count))
                return .data(piece)
            case .skipping(let remaining):
                let rest = pending.skip(remaining)
                guard rest == 0 else {
                    state = .skipping(remaining: rest)
                    return nil
                }
                state = .betweenFrames
            case .payload(let type, let byteCount):
                guard pending.count >= byteCount else { return nil }
                state = .betweenFrames
                return try read(type: type, payload: pending.take(byteCount))
            }
        }
    }

    /// Checks that the stream may end here.
    /// - Throws: H3_FRAME_ERROR inside a frame (RFC 9114 section 7.1).
    package func finish() throws(HTTP3Error) {
        switch state {
        case .betweenFrames where pending.isEmpty, .data(remaining: 0): return
        default: throw HTTP3Error(.frameError, "the stream ends inside a frame")
        }
    }

    private mutating func begin(type: UInt64, length: UInt64) throws(HTTP3Error) -> HTTP3Frame? {
        switch type {
        case HTTP3FrameType.data:
            state = .data(remaining: length)
            return nil
        case HTTP3FrameType.headers:
            try expectPayload(type, length, limit: limits.headersByteCount)
            return nil
        case HTTP3FrameType.settings:
            try expectPayload(type, length, limit: limits.settingsByteCount)
            return nil
        case HTTP3FrameType.goaway, HTTP3FrameType.maxPushID, HTTP3FrameType.cancelPush:
            guard length <= 8 else { throw HTTP3Error(.frameError, "a frame of one integer is longer than an integer") }
            try expectPayload(type, length, limit: 8)
            return nil
        case HTTP3FrameType.pushPromise:
            state = .skipping(remaining: length)
            return .pushPromise
        case WebTransportStreamHeader.bidirectionalSignal:
            // draft-ietf-webtrans-http3-16 section 4.2: legal only as the first bytes of a stream, which do not come here.
            throw HTTP3Error(.frameError, "WebTransport's stream signal inside a stream")
        case let type where HTTP3FrameType.isReservedByHTTP2(type):
            throw HTTP3Error(.frameUnexpected, "a frame of HTTP/2")
        default:
            state = .skipping(remaining: length)
            return .unknown(type: type)
        }
    }

    private mutating func expectPayload(_ type: UInt64, _ length: UInt64, limit: Int) throws(HTTP3Error) {
        guard let byteCount = Int(exactly: length), byteCount <= limit else {
            throw HTTP3Error(.excessiveLoad, "a frame is longer than its limit")
        }
        state = .payload(type: type, byteCount: byteCount)
    }

    private func read(type: UInt64, payload: [UInt8]) throws(HTTP3Error) -> HTTP3Frame {
        switch type {
        case HTTP3FrameType.headers: return .headers(payload)
        case HTTP3FrameType.settings: return .settings(try HTTP3Settings(parsing: payload.span))
        case HTTP3FrameType.goaway: return .goaway(id: try readInteger(payload))
        case HTTP3FrameType.maxPushID: return .maxPushID(try readInteger(payload))
        default: return .cancelPush(id: try readInteger(payload))
        }
    }

    private func readInteger(_ payload: [UInt8]) throws(HTTP3Error) -> UInt64 {
        var reader = ByteReader(payload.span)
        guard let value = try? reader.readVarInt(), reader.isAtEnd else {
            throw HTTP3Error(.frameError, "a frame of one integer holds something else")
        }
        return value
    }
}

extension [UInt8] {
    /// Appends a frame: type, length, payload.
    package mutating func append(http3Frame type: UInt64, payload: [UInt8]) {
        append(varInt: type)
        append(varInt: UInt64(payload.count))
        append(contentsOf: payload)
    }
}
