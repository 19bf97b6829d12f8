internal import Framing
internal import QUIC
internal import Wire

/// One request and its response, as far as the peer's side of the stream has been read (RFC 9114 section 4.1).
struct MessageStream {
    enum Phase {
        case expectingHead
        /// DATA frames may follow; `remaining` counts down a content-length.
        case content(remaining: UInt64?)
        /// Only the stream's end may follow.
        case afterTrailers
    }

    var phase = Phase.expectingHead
    /// After the head of a CONNECT only DATA may come (RFC 9114 section 4.4).
    var isConnect: Bool
    var frames: HTTP3FrameReader

    init(isConnect: Bool, limits: HTTP3FrameReader.Limits) {
        self.isConnect = isConnect
        frames = HTTP3FrameReader(limits: limits)
    }
}

extension HTTP3Connection {
    mutating func receive(_ bytes: [UInt8], on stream: StreamID, isFinal: Bool) throws(HTTP3Error) {
        switch streams[stream] {
        case .webTransport:
            emit(.webTransportData(stream, bytes, isFinal: isFinal))
        case nil:
            var pending = PendingBytes()
            pending.append(bytes)
            try decide(stream, pending, isFinal: isFinal)
        case .undecided(var pending):
            pending.append(bytes)
            try decide(stream, pending, isFinal: isFinal)
        case .control(var frames):
            streams[stream] = .ignored  // so that the reader is not copied while it grows
            frames.append(bytes)
            while let frame = try frames.next() { try receiveControl(frame) }
            guard !isFinal else { throw HTTP3Error(.closedCriticalStream, "the control stream was closed") }
            streams[stream] = .control(frames)
        case .qpackEncoder:
            try usedDecoder().readEncoderStream(bytes)
            guard !isFinal else { throw HTTP3Error(.closedCriticalStream, "the QPACK encoder stream was closed") }
        case .qpackDecoder:
            try usedEncoder().readDecoderStream(bytes)
            guard !isFinal else { throw HTTP3Error(.closedCriticalStream, "the QPACK decoder stream was closed") }
        case .message(var message):
            streams[stream] = .ignored
            try receiveMessage(bytes, &message, on: stream, isFinal: isFinal)
        case .ignored:
            break
        }
    }

    mutating func receiveReset(of stream: StreamID, _ code: HTTP3ErrorCode) throws(HTTP3Error) {
        guard !peerStreams.contains(stream) else { throw HTTP3Error(.closedCriticalStream, "a critical stream was reset") }
        // A request that was reset before a byte of it came counts too.
        if streams[stream] == nil, role == .server, !stream.isUnidirectional { try countRequest() }
        emit(.reset(stream, code: code))
    }

    mutating func forget(_ stream: StreamID) throws(HTTP3Error) {
        guard !isCritical(stream) else { throw HTTP3Error(.closedCriticalStream, "a critical stream was closed") }
        let state = streams.removeValue(forKey: stream)
        if case .message = state { openRequestCount -= 1 }
        emit(.streamClosed(stream))
    }

    /// Finds out what the peer opened, by the stream's first integer.
    private mutating func decide(_ stream: StreamID, _ bytes: PendingBytes, isFinal: Bool) throws(HTTP3Error) {
        guard let type = bytes.varInt() else {
            // RFC 9114 section 6.2: a unidirectional stream may end before its type is whole.
            streams[stream] = isFinal && stream.isUnidirectional ? .ignored : .undecided(bytes)
            if isFinal && !stream.isUnidirectional { try begin(requestOn: stream, bytes, isFinal: true) }
            return
        }
        var rest = bytes
        if stream.isUnidirectional {
            rest.drop(type.byteCount)
            try decideUnidirectional(stream, type: type.value)
            if case .ignored = streams[stream] { return }
            if !rest.isEmpty || isFinal { try receive(rest.takeAll(), on: stream, isFinal: isFinal) }
        } else if type.value == WebTransportStreamHeader.bidirectionalSignal {
            rest.drop(type.byteCount)
            streams[stream] = .webTransport
            emit(.webTransportData(stream, rest.takeAll(), isFinal: isFinal))
        } else {
            // RFC 9114 section 6.1: without an extension, servers open no bidirectional streams.
            guard role == .server else { throw HTTP3Error(.streamCreationError, "the server opened a bidirectional stream") }
            try begin(requestOn: stream, rest, isFinal: isFinal)
        }
    }

    private mutating func decideUnidirectional(_ stream: StreamID, type: UInt64) throws(HTTP3Error) {
        switch type {
        case UnidirectionalStreamType.control:
            guard peerStreams.control == nil else { throw HTTP3Error(.streamCreationError, "a second control stream") }
            peerStreams.control = stream
            streams[stream] = .control(HTTP3FrameReader(limits: limits.frames))
        case UnidirectionalStreamType.qpackEncoder:
            guard peerStreams.encoder == nil else { throw HTTP3Error(.streamCreationError, "a second QPACK encoder stream") }
            peerStreams.encoder = stream
            streams[stream] = .qpackEncoder
        case UnidirectionalStreamType.qpackDecoder:
            guard peerStreams.decoder == nil else { throw HTTP3Error(.streamCreationError, "a second QPACK decoder stream") }
            peerStreams.decoder = stream
            streams[stream] = .qpackDecoder
        case UnidirectionalStreamType.push:
            // RFC 9114 sections 4.6 and 6.2.2: clients push nothing, and we allow no push.
            throw role == .server
                ? HTTP3Error(.streamCreationError, "a push stream from a client")
                : HTTP3Error(.idError, "a push that was not allowed")
        case WebTransportStreamHeader.unidirectionalType:
            streams[stream] = .webTransport
        default:
            streams[stream] = .ignored
            quic.stopSending(stream, code: HTTP3ErrorCode.streamCreationError.rawValue)
        }
    }
}

// MARK: Control stream

extension HTTP3Connection {
    private mutating func receiveControl(_ frame: HTTP3Frame) throws(HTTP3Error) {
        guard peerSettings != nil else {
            guard case .settings(let settings) = frame else { throw HTTP3Error(.missingSettings, "the first frame is not SETTINGS") }
            // RFC 9114 section 7.2.4.2: who takes early data keeps what it was sent under.
            if quic.earlyData == .accepted, let rememberedSettings, !settings.keeps(rememberedSettings) {
                throw HTTP3Error(.settingsError, "the server took early data and gives less than it promised")
            }
            peerSettings = settings
            emit(.settings(settings))
            return
        }
        switch frame {
        case .settings: throw HTTP3Error(.frameUnexpected, "SETTINGS came twice")
        case .data, .headers, .pushPromise: throw HTTP3Error(.frameUnexpected, "a message's frame on the control stream")
        case .goaway(let id): try receiveGoaway(id)
        case .maxPushID(let id):
            guard role == .server else { throw HTTP3Error(.frameUnexpected, "MAX_PUSH_ID from a server") }
            guard id >= peerMaxPushID ?? 0 else { throw HTTP3Error(.idError, "MAX_PUSH_ID went down") }
            peerMaxPushID = id
        case .cancelPush: throw HTTP3Error(.idError, "a push that was never promised was cancelled")
        case .unknown: break
        }
    }

    /// RFC 9114 section 5.2: a server names a request, a client a push, and neither may raise its number.
    private mutating func receiveGoaway(_ id: UInt64) throws(HTTP3Error) {
        guard role == .server || id % 4 == 0 else { throw HTTP3Error(.idError, "GOAWAY names no request") }
        guard id <= peerGoaway ?? .max else { throw HTTP3Error(.idError, "GOAWAY went up") }
        peerGoaway = id
        emit(.goaway)
    }
}

// MARK: Requests and responses

extension HTTP3Connection {
    private mutating func begin(requestOn stream: StreamID, _ bytes: PendingBytes, isFinal: Bool) throws(HTTP3Error) {
        guard role == .server else { throw HTTP3Error(.streamCreationError, "the server opened a bidirectional stream") }
        try countRequest()
        guard openRequestCount < limits.openRequests, stream.rawValue < goawayLimit ?? .max else {
            streams[stream] = .ignored
            abort(stream, .requestRejected)
            return
        }
        openRequestCount += 1
        highestRequest = max(highestRequest, stream.rawValue)
        var message = MessageStream(isConnect: false, limits: limits.frames)
        var rest = bytes
        try receiveMessage(rest.takeAll(), &message, on: stream, isFinal: isFinal)
    }

    private mutating func countRequest() throws(HTTP3Error) {
        totalRequestCount += 1
        guard totalRequestCount <= limits.totalRequests else { throw HTTP3Error(.excessiveLoad, "too many requests") }
    }

    /// Reads what came and puts `message` back; a malformed message costs its stream, a broken frame the connection.
    private mutating func receiveMessage(
        _ bytes: [UInt8], _ message: inout MessageStream, on stream: StreamID, isFinal: Bool
    ) throws(HTTP3Error) {
        do throws(HTTP3Error) {
            message.frames.append(bytes)
            while let frame = try message.frames.next() { try receive(frame, &message, on: stream) }
            if isFinal {
                try message.frames.finish()
                try finish(&message, stream)
            }
        } catch {
            guard error.code == .messageError || error.code == .requestIncomplete else { throw error }
            abort(stream, error.code)
            openRequestCount -= 1
            streams[stream] = .ignored
            emit(.reset(stream, code: error.code))
            return
        }
        streams[stream] = .message(message)
    }

    private mutating func receive(_ frame: HTTP3Frame, _ message: inout MessageStream, on stream: StreamID) throws(HTTP3Error) {
        switch (frame, message.phase) {
        case (.unknown, _): break
        case (.headers(let section), .expectingHead):
            try receiveHead(try decode(section, stream: stream), &message, on: stream)
        case (.headers, .content) where message.isConnect:
            throw HTTP3Error(.frameUnexpected, "HEADERS after a CONNECT")
        case (.headers(let section), .content):
            _ = try SplitFieldSection(try decode(section, stream: stream), pseudoHeaders: [])
            message.phase = .afterTrailers
        case (.data(let piece), .content(let remaining)):
            if let remaining {
                guard piece.count <= remaining else { throw HTTP3Error(.messageError, "more content than content-length says") }
                message.phase = .content(remaining: remaining - UInt64(piece.count))
            }
            emit(.content(stream, piece))
        case (.pushPromise, _) where role == .client:
            throw HTTP3Error(.idError, "a push that was not allowed")
        default:
            throw HTTP3Error(.frameUnexpected, "a frame that may not come here on a request stream")
        }
    }

    private mutating func receiveHead(
        _ section: [HeaderField], _ message: inout MessageStream, on stream: StreamID
    ) throws(HTTP3Error) {
        switch role {
        case .server:
            let request = try HTTPRequest(parsing: section)
            message.isConnect = request.method == "CONNECT"
            message.phase = .content(remaining: message.isConnect ? nil : try contentLength(request.fields))
            emit(.request(stream, request))
        case .client:
            let response = try HTTPResponse(parsing: section)
            // Interim responses: the final one is still to come (RFC 9110 section 15.2).
            guard response.status >= 200 else { return }
            message.phase = .content(remaining: nil)
            emit(.response(stream, response))
        }
    }

    private func contentLength(_ fields: [HeaderField]) throws(HTTP3Error) -> UInt64? {
        guard let text = fields.first("content-length") else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = UInt64(text) else {
            throw HTTP3Error(.messageError, "content-length is no number")
        }
        return length
    }

    private mutating func finish(_ message: inout MessageStream, _ stream: StreamID) throws(HTTP3Error) {
        switch message.phase {
        case .expectingHead: throw HTTP3Error(.requestIncomplete, "the stream ends before its message")
        case .content(let remaining?) where remaining > 0:
            throw HTTP3Error(.messageError, "less content than content-length says")
        default: emit(.finished(stream))
        }
    }
}
