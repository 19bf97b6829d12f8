package import Framing
package import QUIC
internal import Wire

/// What one HTTP/3 connection may use.
package struct HTTP3Limits: Hashable, Sendable {
    package var frames = HTTP3FrameReader.Limits()
    package var fieldSections = QPACKDecoder.Limits()
    /// Requests that are open at the same time; further ones are rejected.
    package var openRequests = 16
    /// Requests in the connection's life, answered, reset or rejected; more is H3_EXCESSIVE_LOAD (a peer that opens
    /// and resets without end).
    package var totalRequests = 1024

    package init() {}
}

/// What happened on an HTTP/3 connection, in order.
package enum HTTP3Event: Hashable, Sendable {
    case settings(HTTP3Settings)
    /// Server: the head of a request.
    case request(StreamID, HTTPRequest)
    /// Client: the head of the final response.
    case response(StreamID, HTTPResponse)
    /// A piece of a message's content, or of the capsules of an extended CONNECT.
    case content(StreamID, [UInt8])
    /// The peer's message is whole.
    case finished(StreamID)
    /// Bytes of a WebTransport stream; those of a stream that the peer opened begin with the session's identifier.
    case webTransportData(StreamID, [UInt8], isFinal: Bool)
    /// The peer abandoned a request or WebTransport stream.
    case reset(StreamID, code: HTTP3ErrorCode)
    /// The peer does not want the rest of what we send on a request or WebTransport stream; its code where QUIC knows it.
    case stopSending(StreamID, code: HTTP3ErrorCode?)
    case streamClosed(StreamID)
    case goaway
}

/// HTTP/3 (RFC 9114) over one QUIC connection, client or server: control streams, requests, the checks on them, and the hooks
/// that WebTransport needs. Without dynamic QPACK tables it opens no QPACK streams (RFC 9204 section 4.2).
///
/// Hand each QUIC event to `handle`, then drain `pollEvent`. A peer that breaks a rule of the connection has it closed with
/// the rule's code; one that breaks a rule of a message has its stream reset. Flow-control credit goes back as soon as
/// bytes are here, since what is kept of them is bounded by the limits.
package struct HTTP3Connection {
    package let role: QUICConnection.Role
    package let localSettings: HTTP3Settings
    /// The peer's, once they have come.
    package internal(set) var peerSettings: HTTP3Settings?
    /// Client: the server's of an earlier connection, on which early data relies until `peerSettings` are here.
    package var rememberedSettings: HTTP3Settings?
    /// The rule that the peer broke, when that closed the connection.
    package private(set) var failure: HTTP3Error?
    let quic: QUICConnection
    let limits: HTTP3Limits
    var streams: [StreamID: StreamState] = [:]
    var controlStream: StreamID?
    var peerStreams = PeerCriticalStreams()
    var openRequestCount = 0
    var totalRequestCount = 0
    /// The peer's GOAWAY and MAX_PUSH_ID, which may only go one way.
    var peerGoaway: UInt64?
    var peerMaxPushID: UInt64?
    /// Requests from this stream on are rejected: our GOAWAY.
    var goawayLimit: Int64?
    var highestRequest: Int64 = -4
    private var events: [HTTP3Event] = []
    private var eventHead = 0
    private var encoder: QPACKEncoder?
    private var decoder: QPACKDecoder?

    /// What we know of a stream.
    enum StreamState {
        /// The peer opened it and its type is not whole yet.
        case undecided(PendingBytes)
        case control(HTTP3FrameReader)
        case qpackEncoder
        case qpackDecoder
        case message(MessageStream)
        case webTransport
        /// Of a type that we do not know, or refused: what still comes is dropped.
        case ignored
    }

    /// The streams that the peer may open once and never close (RFC 9114 section 6.2.1, RFC 9204 section 4.2).
    struct PeerCriticalStreams {
        var control: StreamID?
        var encoder: StreamID?
        var decoder: StreamID?

        func contains(_ stream: StreamID) -> Bool { stream == control || stream == encoder || stream == decoder }
    }

    package init(role: QUICConnection.Role, quic: QUICConnection, settings: HTTP3Settings, limits: HTTP3Limits = HTTP3Limits()) {
        self.role = role
        self.quic = quic
        self.limits = limits
        localSettings = settings
    }

    /// Takes one event of the connection; datagrams and the connection's end are the caller's.
    package mutating func handle(_ event: QUICEvent) {
        guard failure == nil else { return }
        do throws(HTTP3Error) {
            switch event {
            case .established, .earlyData: if controlStream == nil { try openControlStream() }
            case .streamData(let stream, let bytes, let isFinal):
                quic.consumed(bytes.count, on: stream)
                try receive(bytes, on: stream, isFinal: isFinal)
            case .streamReset(let stream, let code): try receiveReset(of: stream, HTTP3ErrorCode(rawValue: code))
            case .stopSending(let stream, let code):
                guard stream != controlStream else { throw HTTP3Error(.closedCriticalStream, "our control stream is not wanted") }
                emit(.stopSending(stream, code: code.map(HTTP3ErrorCode.init(rawValue:))))
            case .streamClosed(let stream): try forget(stream)
            default: break
            }
        } catch {
            fail(error)
        }
    }

    package mutating func pollEvent() -> HTTP3Event? {
        guard eventHead < events.count else {
            events.removeAll(keepingCapacity: true)
            eventHead = 0
            return nil
        }
        defer { eventHead += 1 }
        return events[eventHead]
    }

    mutating func emit(_ event: HTTP3Event) { events.append(event) }

    /// Closes the connection because of what the peer did.
    package mutating func fail(_ error: HTTP3Error) {
        guard failure == nil else { return }
        failure = error
        quic.close(code: error.code.rawValue, reason: error.reason.description)
    }

    private mutating func openControlStream() throws(HTTP3Error) {
        var bytes: [UInt8] = []
        bytes.append(varInt: UnidirectionalStreamType.control)
        bytes.append(http3Frame: HTTP3FrameType.settings, payload: localSettings.payload)
        do {
            let stream = try quic.openStream(.unidirectional)
            try quic.write(bytes, to: stream)
            controlStream = stream
        } catch {
            throw HTTP3Error(.streamCreationError, "the peer allows no control stream")
        }
    }

    func isCritical(_ stream: StreamID) -> Bool { stream == controlStream || peerStreams.contains(stream) }

    mutating func encode(_ section: [HeaderField], stream: StreamID) throws(HTTP3Error) -> [UInt8] {
        let encoder = try usedEncoder()
        return try encoder.encode(section, stream: stream.rawValue)
    }

    mutating func decode(_ section: [UInt8], stream: StreamID) throws(HTTP3Error) -> [HeaderField] {
        let decoder = try usedDecoder()
        return try decoder.decode(section, stream: stream.rawValue)
    }

    mutating func usedEncoder() throws(HTTP3Error) -> QPACKEncoder {
        if let encoder { return encoder }
        let made = try QPACKEncoder()
        encoder = made
        return made
    }

    mutating func usedDecoder() throws(HTTP3Error) -> QPACKDecoder {
        if let decoder { return decoder }
        let made = try QPACKDecoder(limits: limits.fieldSections)
        decoder = made
        return made
    }
}

/// The types of unidirectional streams (RFC 9114 section 6.2, RFC 9204 section 4.2).
enum UnidirectionalStreamType {
    static let control: UInt64 = 0x0
    static let push: UInt64 = 0x1
    static let qpackEncoder: UInt64 = 0x2
    static let qpackDecoder: UInt64 = 0x3
}

// MARK: Commands

extension HTTP3Connection {
    /// Sends the head of a request and answers its stream. The message goes on by `send` until its last piece.
    package mutating func request(_ request: HTTPRequest, isFinal: Bool) throws(QUICRefusal) -> StreamID {
        let stream = try quic.openStream(.bidirectional)
        guard let section = try? encode(request.fieldSection, stream: stream) else { throw .notEstablished }
        var bytes: [UInt8] = []
        bytes.append(http3Frame: HTTP3FrameType.headers, payload: section)
        try quic.write(bytes, to: stream, isFinal: isFinal)
        streams[stream] = .message(MessageStream(isConnect: request.method == "CONNECT", limits: limits.frames))
        openRequestCount += 1
        return stream
    }

    /// Server: sends the head of the response, and its content when it has one.
    package mutating func respond(_ response: HTTPResponse, content: [UInt8] = [], on stream: StreamID, isFinal: Bool) throws(QUICRefusal) {
        guard let section = try? encode(response.fieldSection, stream: stream) else { throw .notEstablished }
        var bytes: [UInt8] = []
        bytes.append(http3Frame: HTTP3FrameType.headers, payload: section)
        if !content.isEmpty { bytes.append(http3Frame: HTTP3FrameType.data, payload: content) }
        try quic.write(bytes, to: stream, isFinal: isFinal)
    }

    /// Sends a piece of a message's content as one DATA frame; with no bytes, only the message's end.
    package func send(_ content: [UInt8], on stream: StreamID, isFinal: Bool) throws(QUICRefusal) {
        var bytes: [UInt8] = []
        if !content.isEmpty { bytes.append(http3Frame: HTTP3FrameType.data, payload: content) }
        try quic.write(bytes, to: stream, isFinal: isFinal)
    }

    /// Ends both directions of a stream with `code`.
    package func abort(_ stream: StreamID, _ code: HTTP3ErrorCode) {
        quic.reset(stream, code: code.rawValue)
        quic.stopSending(stream, code: code.rawValue)
    }

    /// Says that `stream`, which we opened, is a WebTransport stream, so that what comes on it is handed up as such.
    package mutating func adoptWebTransportStream(_ stream: StreamID) { streams[stream] = .webTransport }

    /// Server: takes no request after those that have come (RFC 9114 section 5.2).
    package mutating func sendGoaway() {
        guard role == .server, goawayLimit == nil, let controlStream else { return }
        var payload: [UInt8] = []
        payload.append(varInt: UInt64(highestRequest + 4))
        var bytes: [UInt8] = []
        bytes.append(http3Frame: HTTP3FrameType.goaway, payload: payload)
        guard (try? quic.write(bytes, to: controlStream)) != nil else { return }
        goawayLimit = highestRequest + 4
    }
}
