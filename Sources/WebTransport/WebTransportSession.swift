internal import Framing
internal import HTTP3
internal import MediaStreams
internal import QUIC
internal import Session
internal import Wire

/// One WebTransport session (draft-ietf-webtrans-http3-16), the same at both ends: its capsules, its event stream, its frames.
///
/// It exists from the CONNECT on at a client, and from the 200 on at a server.
struct WebTransportSession {
    /// Where the session stands.
    enum Phase: Hashable {
        case open
        /// Over for the core. The connection goes once the CONNECT stream is closed both ways, so that the peer gets the
        /// capsule and the last events.
        case ended
    }

    /// The CONNECT stream.
    let id: StreamID
    private(set) var phase = Phase.open
    private let role: QUICConnection.Role
    private let quic: QUICConnection
    private let limits: WebTransportLimits
    private var capsules = CapsuleReader()
    private var receiver: FlowReceiver
    private var media: MediaSender
    private var events: EventSender
    private var lines: LineReader
    /// Streams of the peer's whose session identifier is not whole.
    private var undecided: [StreamID: PendingBytes] = [:]
    private var credit = SendCredit.unlimited
    private var window: SessionWindow?
    /// Our side of the CONNECT stream is ended or reset; nothing more may be written to it.
    private var hasEndedConnectStream = false

    init(
        id: StreamID, role: QUICConnection.Role, quic: QUICConnection, format: MediaFormat, limits: WebTransportLimits
    ) {
        self.id = id
        self.role = role
        self.quic = quic
        self.limits = limits
        let number = UInt64(bitPattern: id.rawValue)
        receiver = FlowReceiver(mediaFlow: Self.mediaFlow, eventFlow: nil, format: format, limits: limits.streams)
        media = MediaSender(
            quic: quic, flow: Self.mediaFlow,
            streamHeader: WebTransportStreamHeader.bytes(type: WebTransportStreamHeader.unidirectionalType, session: number),
            datagramHeader: HTTPDatagramHeader.bytes(stream: number), cancelCode: Self.streamCode(.frameCancelled).rawValue,
            format: format, limits: limits.streams)
        events = EventSender(quic: quic, limits: limits.streams)
        lines = LineReader(maximumByteCount: limits.streams.eventByteCount)
    }

    /// The RoQ flow identifier of frames.
    static let mediaFlow: UInt64 = 0

    /// Codes that we close a session with are those of RTP over QUIC.
    private static func code(_ code: RoQErrorCode) -> UInt32 { UInt32(truncatingIfNeeded: code.rawValue) }

    /// A reset of a single stream, in WebTransport's part of HTTP/3's code space.
    private static func streamCode(_ code: RoQErrorCode) -> HTTP3ErrorCode { WebTransportErrorCode.http3(Self.code(code)) }
}

// MARK: Commands

extension WebTransportSession {
    /// Client: opens the stream of events.
    mutating func openEventStream(_ http: inout HTTP3Connection) throws(QUICRefusal) {
        let stream = try quic.openStream(.bidirectional)
        let header = WebTransportStreamHeader.bytes(
            type: WebTransportStreamHeader.bidirectionalSignal, session: UInt64(bitPattern: id.rawValue))
        try quic.write(header, to: stream)
        http.adoptWebTransportStream(stream)
        events.open(on: stream, credit: &credit)
    }

    /// Both ends' SETTINGS are known: decides on flow control, and gives the peer its first credit where its draft knows of it.
    mutating func agreeOnFlowControl(_ http: HTTP3Connection) {
        guard let peer = http.peerSettings else { return }
        let isEnforced = peer.asksForSessionFlowControl && http.localSettings.asksForSessionFlowControl
        if isEnforced {
            credit.maximumByteCount = peer[.webTransportInitialMaxData] ?? 0
            credit.maximumUnidirectionalStreams = peer[.webTransportInitialMaxStreamsUni] ?? 0
        }
        guard isEnforced || role == .server && peer[.webTransportMaxSessions] ?? 0 > 0 else { return }
        let window = SessionWindow(limits: limits, isEnforced: isEnforced)
        self.window = window
        for capsule in window.initialCapsules { send(capsule, http) }
    }

    mutating func send(event: [UInt8]) throws(SendRefusal) {
        guard phase == .open else { throw .notOpen }
        try events.send(event + [0x0A], event: event, credit: &credit)
    }

    mutating func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) {
        guard phase == .open else { throw .notOpen }
        try media.send(frame, delivery: delivery, credit: &credit, now: now)
    }

    var deadline: Instant? { phase == .open ? media.deadline : nil }
    var sendCounters: MediaSender.Counters { media.counters }

    mutating func handleTimeout(now: Instant) {
        guard phase == .open else { return }
        media.handleTimeout(credit: &credit, events: events, now: now)
    }

    mutating func endTalk(now: Instant) {
        guard phase == .open else { return }
        media.endTalk(now: now)
    }

    mutating func acknowledged(_ datagram: UInt64, into output: inout TransportEventQueue) {
        if let sequence = media.acknowledged(datagram) { output.append(.frameAcknowledged(sequence: sequence)) }
    }

    mutating func lost(_ datagram: UInt64, now: Instant, into output: inout TransportEventQueue) {
        guard phase == .open else { return }
        if let sequence = media.lost(datagram, credit: &credit, now: now) { output.append(.frameLost(sequence: sequence)) }
    }

    mutating func flush() {
        guard phase == .open else { return }
        events.flush(credit: &credit)
        media.flush(credit: &credit)
    }

    mutating func drain(_ http: HTTP3Connection) {
        guard phase == .open else { return }
        send(.drainSession, http)
    }

    /// Ends the session from here. The event stream is ended and not reset, so that an event sent before still arrives.
    mutating func close(
        code: UInt32, reason: String, origin: TransportClose.Origin, _ http: HTTP3Connection, into output: inout TransportEventQueue
    ) {
        guard phase == .open else { return }
        let reason = Capsule.shortened(reason)
        events.finish()
        endConnectStream(after: .closeSession(code: code, reason: reason), http)
        endMedia()
        end(TransportClose(code: UInt64(code), reason: reason, origin: origin), into: &output)
    }

    private func send(_ capsule: Capsule, _ http: HTTP3Connection) {
        // A peer that gives no credit on the CONNECT stream misses the capsule; its own idle timeout is its punishment.
        try? http.send(capsule.bytes, on: id, isFinal: false)
    }

    private mutating func endConnectStream(after capsule: Capsule?, _ http: HTTP3Connection) {
        guard !hasEndedConnectStream else { return }
        hasEndedConnectStream = true
        guard (try? http.send(capsule?.bytes ?? [], on: id, isFinal: true)) != nil else {
            http.abort(id, .noError)
            return
        }
    }

    /// Section 6 of the draft: streams of a session that has ended are reset.
    private mutating func endMedia() {
        for stream in media.openStreams { quic.reset(stream, code: HTTP3ErrorCode.sessionGone.rawValue) }
        for stream in receiver.openStreams + Array(undecided.keys) {
            quic.stopSending(stream, code: HTTP3ErrorCode.sessionGone.rawValue)
        }
        undecided = [:]
    }

    private mutating func end(_ close: TransportClose, into output: inout TransportEventQueue) {
        phase = .ended
        output.append(.closed(close))
    }

    /// The peer ended the session.
    private mutating func endByPeer(code: UInt32, reason: String, _ http: HTTP3Connection, into output: inout TransportEventQueue) {
        guard phase == .open else { return }
        endConnectStream(after: nil, http)
        endMedia()
        if let stream = events.stream { http.abort(stream, .sessionGone) }
        end(TransportClose(code: UInt64(code), reason: reason, origin: .peer), into: &output)
    }
}

// MARK: Input

extension WebTransportSession {
    /// Takes one HTTP datagram.
    mutating func receive(datagram: [UInt8], _ http: inout HTTP3Connection, into output: inout TransportEventQueue) {
        guard phase == .open else { return }
        var reader = ByteReader(datagram.span)
        do throws(HTTP3Error) {
            let stream = try HTTPDatagramHeader.readStream(&reader)
            // Of another session: dropped, as section 4.6 of the draft asks for what cannot be placed.
            guard stream == UInt64(bitPattern: id.rawValue) else { return }
        } catch {
            return http.fail(error)
        }
        do throws(RoQError) {
            try receiver.receive(datagram: &reader, into: &output)
        } catch {
            fail(error, http, into: &output)
        }
    }

    /// Takes what happened on the connection's streams.
    mutating func handle(_ event: HTTP3Event, _ http: inout HTTP3Connection, into output: inout TransportEventQueue) {
        do throws(HTTP3Error) {
            switch event {
            case .content(id, let bytes): try receive(capsules: bytes, http, into: &output)
            case .finished(id):
                if phase == .open { try capsules.finish() }
                // Section 6 of the draft: the stream's end without a capsule is code 0.
                endByPeer(code: 0, reason: "", http, into: &output)
            case .reset(id, let code): loseConnectStream(code, http, into: &output)
            case .stopSending(id, let code): loseConnectStream(code ?? .requestCancelled, http, into: &output)
            case .streamClosed(id):
                if phase == .ended { quic.close(code: HTTP3ErrorCode.noError.rawValue, reason: "") }
            case .webTransportData(let stream, let bytes, let isFinal):
                guard phase == .open else { break }
                try receive(bytes, on: stream, isFinal: isFinal, &http, into: &output)
            case .reset(let stream, let code):
                forget(stream)
                if stream == events.stream { loseEventStream(code, http, into: &output) }
            case .stopSending(let stream, let code):
                forget(stream)
                if stream == events.stream { loseEventStream(code, http, into: &output) }
            case .streamClosed(events.stream):
                events.forget()
                loseEventStream(.noError, http, into: &output)
            case .streamClosed(let stream): closed(stream, http)
            case .goaway: output.append(.draining)
            case .settings, .request, .response, .content, .finished: break
            }
        } catch {
            fail(error, &http, into: &output)
        }
    }

    /// The peer has no use for the session's own stream: the session is over without a code of its application.
    private mutating func loseConnectStream(_ code: HTTP3ErrorCode, _ http: HTTP3Connection, into output: inout TransportEventQueue) {
        guard phase == .open else { return }
        hasEndedConnectStream = true
        http.abort(id, .requestCancelled)
        endMedia()
        end(TransportClose(code: code.rawValue, reason: "the session's stream was reset", origin: .peer), into: &output)
    }

    /// Without its events a session cannot go on. A reset that says that the session is over, or whose code is not known yet,
    /// may have overtaken the capsule or the refusal that says why: the stream's close comes later and decides.
    private mutating func loseEventStream(_ code: HTTP3ErrorCode?, _ http: HTTP3Connection, into output: inout TransportEventQueue) {
        guard let code, code != .sessionGone else { return }
        close(
            code: Self.code(.generalError), reason: "the stream of events was closed", origin: .transportError, http, into: &output)
    }

    private mutating func forget(_ stream: StreamID) {
        receiver.forget(stream)
        media.forget(stream)
        undecided.removeValue(forKey: stream)
    }

    private mutating func closed(_ stream: StreamID, _ http: HTTP3Connection) {
        forget(stream)
        guard phase == .open else { return }
        if stream.isServerInitiated != (role == .server), let capsule = window?.close(isUnidirectional: stream.isUnidirectional) {
            send(capsule, http)
        }
        flush()
    }

    private mutating func receive(
        capsules bytes: [UInt8], _ http: HTTP3Connection, into output: inout TransportEventQueue
    ) throws(HTTP3Error) {
        guard phase == .open else { return }
        capsules.append(bytes)
        while let capsule = try capsules.next() {
            switch capsule {
            case .closeSession(let code, let reason): endByPeer(code: code, reason: reason, http, into: &output)
            case .drainSession: output.append(.draining)
            case .maxData(let limit):
                credit.maximumByteCount = try raised(credit.maximumByteCount, to: limit)
            case .maxStreams(let limit, isUnidirectional: true):
                credit.maximumUnidirectionalStreams = try raised(credit.maximumUnidirectionalStreams, to: limit)
            // One bidirectional stream is all that we open; what blocks the peer is renewed without being asked.
            case .maxStreams, .dataBlocked, .streamsBlocked, .unknown: break
            }
        }
        flush()
    }

    /// A limit that counts only where flow control is active, and then never goes down (section 5.4 of the draft).
    private func raised(_ limit: UInt64, to value: UInt64) throws(HTTP3Error) -> UInt64 {
        guard window?.isEnforced == true else { return limit }
        guard value >= limit else { throw HTTP3Error(.flowControlError, "a limit went down") }
        return value
    }

    /// What the peer did breaks the session: one that breaks HTTP/3 breaks the connection.
    private mutating func fail(_ error: HTTP3Error, _ http: inout HTTP3Connection, into output: inout TransportEventQueue) {
        switch error.code {
        case .messageError, .flowControlError:
            guard phase == .open else { return }
            hasEndedConnectStream = true
            http.abort(id, error.code)
            endMedia()
            end(TransportClose(code: error.code.rawValue, reason: error.reason.description, origin: .transportError), into: &output)
        default: http.fail(error)
        }
    }

    private mutating func fail(_ error: RoQError, _ http: HTTP3Connection, into output: inout TransportEventQueue) {
        close(
            code: Self.code(error.code), reason: error.reason.description, origin: .transportError, http, into: &output)
    }
}

// MARK: Streams of the session

extension WebTransportSession {
    private mutating func receive(
        _ bytes: [UInt8], on stream: StreamID, isFinal: Bool, _ http: inout HTTP3Connection, into output: inout TransportEventQueue
    ) throws(HTTP3Error) {
        if stream == events.stream {
            try receive(events: bytes, isFinal: isFinal, http, into: &output)
        } else if receiver.isOpen(stream) {
            try receive(media: bytes, on: stream, isFinal: isFinal, http, into: &output)
        } else if let body = try readSession(of: stream, bytes, isFinal: isFinal, http) {
            try begin(stream, body, isFinal: isFinal, http, into: &output)
        }
    }

    /// The bytes after the session's identifier, once that is whole and names this session.
    private mutating func readSession(
        of stream: StreamID, _ bytes: [UInt8], isFinal: Bool, _ http: HTTP3Connection
    ) throws(HTTP3Error) -> [UInt8]? {
        var pending = undecided.isEmpty ? PendingBytes() : undecided.removeValue(forKey: stream) ?? PendingBytes()
        pending.append(bytes)
        guard let session = pending.varInt() else {
            guard !isFinal else { return nil }
            guard undecided.count < limits.undecidedStreams else {
                http.abort(stream, .bufferedStreamRejected)
                return nil
            }
            undecided[stream] = pending
            return nil
        }
        guard WebTransportStreamHeader.isSessionID(session.value) else { throw HTTP3Error(.idError, "a stream of no session") }
        guard session.value == UInt64(bitPattern: id.rawValue) else {
            // A session that does not exist here: with one a connection, it never will.
            http.abort(stream, .bufferedStreamRejected)
            return nil
        }
        pending.drop(session.byteCount)
        return pending.takeAll()
    }

    private mutating func begin(
        _ stream: StreamID, _ body: [UInt8], isFinal: Bool, _ http: HTTP3Connection, into output: inout TransportEventQueue
    ) throws(HTTP3Error) {
        try window?.open(isUnidirectional: stream.isUnidirectional)
        guard !stream.isUnidirectional else {
            return try receive(media: body, on: stream, isFinal: isFinal, http, into: &output)
        }
        // The client's first bidirectional stream carries the events; nobody opens another.
        guard role == .server, events.stream == nil else { return http.abort(stream, Self.streamCode(.streamCreationError)) }
        events.open(on: stream, credit: &credit)
        try receive(events: body, isFinal: isFinal, http, into: &output)
    }

    private mutating func receive(
        events bytes: [UInt8], isFinal: Bool, _ http: HTTP3Connection, into output: inout TransportEventQueue
    ) throws(HTTP3Error) {
        try count(bytes, http)
        lines.append(bytes)
        do {
            while let line = try lines.next() {
                if receiver.takeEvent() { output.append(.event(line)) }
            }
        } catch {
            return close(
                code: Self.code(.generalError), reason: "an event is longer than \(limits.streams.eventByteCount) bytes",
                origin: .transportError, http, into: &output)
        }
        if isFinal, let line = lines.finish(), receiver.takeEvent() { output.append(.event(line)) }
    }

    private mutating func receive(
        media bytes: [UInt8], on stream: StreamID, isFinal: Bool, _ http: HTTP3Connection, into output: inout TransportEventQueue
    ) throws(HTTP3Error) {
        try count(bytes, http)
        do throws(RoQError) {
            switch try receiver.receive(bytes, on: stream, isFinal: isFinal, into: &output) {
            case .accepted: break
            case .unknownFlow: quic.stopSending(stream, code: Self.streamCode(.unknownFlowID).rawValue)
            case .tooManyStreams: quic.stopSending(stream, code: Self.streamCode(.frameCancelled).rawValue)
            }
        } catch {
            fail(error, http, into: &output)
        }
    }

    private mutating func count(_ bytes: [UInt8], _ http: HTTP3Connection) throws(HTTP3Error) {
        if let capsule = try window?.receive(byteCount: bytes.count) { send(capsule, http) }
    }
}
