package import Wire

/// A message of WebSocket, put together from its frames (RFC 6455 sections 5.4 and 5.5).
package enum WebSocketMessage: Hashable, Sendable {
    /// UTF-8, which was checked.
    case text([UInt8])
    case binary([UInt8])
    /// At most 125 bytes, which a pong must repeat.
    case ping([UInt8])
    case pong([UInt8])
    /// The peer sends nothing more; without a code where it gave none.
    case close(code: UInt16?, reason: String)
}

/// What the peer did that ends the connection, and the code that it is told (RFC 6455 section 7.4.1).
package struct WebSocketError: Error, Hashable, Sendable {
    package var code: UInt16
    package var reason: StaticReason

    package init(_ code: UInt16, _ reason: StaticReason) {
        self.code = code
        self.reason = reason
    }
}

/// Close codes (RFC 6455 section 7.4.1; 1013 is IANA's).
package enum WebSocketCloseCode {
    package static let normal: UInt16 = 1000
    package static let goingAway: UInt16 = 1001
    package static let protocolError: UInt16 = 1002
    package static let unsupportedData: UInt16 = 1003
    package static let invalidPayload: UInt16 = 1007
    package static let policyViolation: UInt16 = 1008
    package static let tooLarge: UInt16 = 1009
    package static let tryAgainLater: UInt16 = 1013
    /// The first of those that an application gives meaning to.
    package static let firstPrivate: UInt16 = 4000

    /// Whether a peer may send it: 1004, 1005, 1006 and 1015 never travel (section 7.4.1), others are nobody's.
    static func mayTravel(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}

/// Writes frames (RFC 6455 section 5.2). Messages are never cut into several.
package enum WebSocketFrame {
    package enum Kind: UInt8, Hashable, Sendable {
        case continuation = 0x0, text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xA

        var isControl: Bool { rawValue >= 0x8 }
    }

    /// The longest payload of a control frame (section 5.5).
    package static let maximumControlByteCount = 125

    /// Appends a frame that is a whole message.
    /// - Parameter mask: what a client hides its payload with, unpredictable and new for each frame (section 5.3); `nil` at a server.
    package static func write(_ kind: Kind, _ payload: Span<UInt8>, mask: UInt32?, into bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + 14 + payload.count)
        bytes.append(0x80 | kind.rawValue)
        let masked: UInt8 = mask == nil ? 0 : 0x80
        switch payload.count {
        case ...125: bytes.append(masked | UInt8(payload.count))
        case ...0xFFFF:
            bytes.append(masked | 126)
            bytes.append(bigEndian: UInt16(payload.count))
        default:
            bytes.append(masked | 127)
            bytes.append(bigEndian: UInt64(payload.count))
        }
        guard let mask else { return bytes.append(payload) }
        bytes.append(bigEndian: mask)
        for index in payload.indices { bytes.append(payload[index] ^ Mask(mask)[index]) }
    }

    /// Appends a close frame. The reason is cut at a character's border to what a control frame holds.
    package static func writeClose(_ code: UInt16, _ reason: String, mask: UInt32?, into bytes: inout [UInt8]) {
        var payload: [UInt8] = []
        payload.append(bigEndian: code)
        for character in reason {
            guard payload.count + character.utf8.count <= maximumControlByteCount else { break }
            payload.append(contentsOf: character.utf8)
        }
        write(.close, payload.span, mask: mask, into: &bytes)
    }

    /// A masking key: its bytes repeat, the most significant first.
    struct Mask {
        let key: UInt32
        init(_ key: UInt32) { self.key = key }
        subscript(index: Int) -> UInt8 { UInt8(truncatingIfNeeded: key >> (24 - UInt32(truncatingIfNeeded: index & 3) * 8)) }
    }
}

/// Reads messages from a stream whose bytes come in pieces of any size.
///
/// What it holds is bounded by the greatest message and what was appended since the last `next`. After an error or a close it
/// answers nothing more.
package struct WebSocketReader: Sendable {
    private struct Header {
        var isFinal: Bool
        var kind: WebSocketFrame.Kind
        var mask: UInt32?
        var byteCount: Int
    }

    private let expectsMask: Bool
    private let maximumByteCount: Int
    private var pending = PendingBytes()
    private var header: Header?
    /// The message whose last frame has not come.
    private var partial: (kind: WebSocketFrame.Kind, bytes: [UInt8])?
    private var isOver = false

    /// - Parameters:
    ///   - expectsMask: whether the peer is a client, whose frames are masked (section 5.1).
    ///   - maximumByteCount: of a message.
    package init(expectsMask: Bool, maximumByteCount: Int) {
        self.expectsMask = expectsMask
        self.maximumByteCount = maximumByteCount
    }

    /// How many bytes wait to be read.
    package var unreadByteCount: Int { pending.count }

    package mutating func append(_ piece: [UInt8]) {
        guard !isOver, !piece.isEmpty else { return }
        pending.append(piece)
    }

    /// The next message, or `nil` when more bytes are needed.
    package mutating func next() throws(WebSocketError) -> WebSocketMessage? {
        guard !isOver else { return nil }
        do throws(WebSocketError) {
            while true {
                if header == nil { header = try readHeader() }
                guard let header, pending.count >= header.byteCount else { return nil }
                self.header = nil
                if let message = try finish(header, takePayload(header)) { return message }
            }
        } catch {
            end()
            throw error
        }
    }

    private mutating func end() {
        isOver = true
        pending = PendingBytes()
        partial = nil
    }

    // MARK: Frames

    /// Reads a frame's header when it is whole, and refuses it before its payload has come.
    private mutating func readHeader() throws(WebSocketError) -> Header? {
        guard pending.count >= 2 else { return nil }
        let (first, second) = (pending[0], pending[1])
        guard first & 0x70 == 0 else { throw WebSocketError(WebSocketCloseCode.protocolError, "a reserved bit is set") }
        guard let kind = WebSocketFrame.Kind(rawValue: first & 0x0F) else {
            throw WebSocketError(WebSocketCloseCode.protocolError, "an opcode that nobody has defined")
        }
        let isMasked = second & 0x80 != 0
        guard isMasked == expectsMask else {
            throw WebSocketError(
                WebSocketCloseCode.protocolError, expectsMask ? "a client's frame is not masked" : "a server's frame is masked")
        }
        try check(kind, isFinal: first & 0x80 != 0, shortLength: second & 0x7F)
        let lengthByteCount = switch second & 0x7F { case 126: 2; case 127: 8; default: 0 }
        let headerByteCount = 2 + lengthByteCount + (isMasked ? 4 : 0)
        guard pending.count >= headerByteCount else { return nil }
        let length = lengthByteCount == 0 ? UInt64(second & 0x7F) : integer(at: 2, byteCount: lengthByteCount)
        // Section 5.2: the shortest form, and never the highest bit.
        guard lengthByteCount != 2 || length > 125, lengthByteCount != 8 || (length > 0xFFFF && length >> 63 == 0) else {
            throw WebSocketError(WebSocketCloseCode.protocolError, "a length is not in its shortest form")
        }
        let room = maximumByteCount - (kind.isControl ? 0 : partial?.bytes.count ?? 0)
        guard kind.isControl || length <= UInt64(max(0, room)) else {
            throw WebSocketError(WebSocketCloseCode.tooLarge, "a message is longer than its limit")
        }
        let mask = isMasked ? UInt32(truncatingIfNeeded: integer(at: 2 + lengthByteCount, byteCount: 4)) : nil
        pending.drop(headerByteCount)
        return Header(isFinal: first & 0x80 != 0, kind: kind, mask: mask, byteCount: Int(length))
    }

    private func check(_ kind: WebSocketFrame.Kind, isFinal: Bool, shortLength: UInt8) throws(WebSocketError) {
        if kind.isControl {
            // Section 5.5.
            guard isFinal else { throw WebSocketError(WebSocketCloseCode.protocolError, "a control frame is in pieces") }
            guard shortLength <= 125 else {
                throw WebSocketError(WebSocketCloseCode.protocolError, "a control frame has more than 125 bytes")
            }
        } else {
            // Section 5.4.
            guard (kind == .continuation) == (partial != nil) else {
                throw WebSocketError(
                    WebSocketCloseCode.protocolError,
                    partial == nil ? "a continuation of no message" : "a message begins inside another")
            }
        }
    }

    private func integer(at offset: Int, byteCount: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in offset..<(offset + byteCount) { value = value << 8 | UInt64(pending[index]) }
        return value
    }

    private mutating func takePayload(_ header: Header) -> [UInt8] {
        var payload = pending.take(header.byteCount)
        if let mask = header.mask {
            let mask = WebSocketFrame.Mask(mask)
            for index in payload.indices { payload[index] ^= mask[index] }
        }
        return payload
    }

    // MARK: Messages

    /// What a frame makes whole, if it does.
    private mutating func finish(_ header: Header, _ payload: [UInt8]) throws(WebSocketError) -> WebSocketMessage? {
        switch header.kind {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        case .close:
            let close = try Self.close(payload)
            end()
            return close
        case .text, .binary, .continuation:
            var message = partial ?? (header.kind, [])
            partial = nil
            if message.bytes.isEmpty { message.bytes = payload } else { message.bytes += payload }
            guard header.isFinal else {
                partial = message
                return nil
            }
            guard message.kind == .text else { return .binary(message.bytes) }
            guard Self.isUTF8(message.bytes) else {
                throw WebSocketError(WebSocketCloseCode.invalidPayload, "a text message is not UTF-8")
            }
            return .text(message.bytes)
        }
    }

    /// Section 5.5.1: nothing, or a code and a reason.
    private static func close(_ payload: [UInt8]) throws(WebSocketError) -> WebSocketMessage {
        guard !payload.isEmpty else { return .close(code: nil, reason: "") }
        guard payload.count >= 2 else { throw WebSocketError(WebSocketCloseCode.protocolError, "a close code of one byte") }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard WebSocketCloseCode.mayTravel(code) else {
            throw WebSocketError(WebSocketCloseCode.protocolError, "a close code that may not be sent")
        }
        let reason = Array(payload[2...])
        guard isUTF8(reason) else { throw WebSocketError(WebSocketCloseCode.invalidPayload, "a close reason is not UTF-8") }
        return .close(code: code, reason: String(decoding: reason, as: UTF8.self))
    }

    private static func isUTF8(_ bytes: [UInt8]) -> Bool { (try? UTF8Span(validating: bytes.span)) != nil }
}
