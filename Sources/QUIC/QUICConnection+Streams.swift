internal import CNgtcp2
internal import Wire

// The book on streams and datagrams that callbacks and commands keep.

extension QUICConnection {
    /// The state of a stream that ngtcp2 speaks of, made when the peer has just opened it.
    func stream(_ id: Int64) -> StreamState {
        if let known = streams[id] { return known }
        let state = StreamState()
        streams[id] = state
        return state
    }

    func received(_ bytes: [UInt8], on id: Int64, isFinal: Bool) {
        stream(id).unconsumedByteCount += bytes.count
        events.append(.streamData(StreamID(id), bytes, isFinal: isFinal))
        if isFinal { receivingEnded(id) }
    }

    func enqueueForSending(_ id: Int64) {
        guard let state = streams[id], !state.isQueued, !state.isSendClosed, state.send.hasUnsent else { return }
        guard earlyFlight.streamsToReopen.isEmpty || !earlyFlight.streamsToReopen.contains(id) else { return }
        state.isQueued = true
        sendQueue.append(id)
    }

    func acknowledged(_ id: Int64, upTo offset: Int) {
        guard let state = streams[id] else { return }
        bufferedByteCount -= state.send.acknowledge(upTo: offset)
        // Half empty again: worth waking the writer.
        if state.owesWritable, state.send.unacknowledgedByteCount <= configuration.limits.streamSendBuffer / 2,
            bufferedByteCount <= configuration.limits.connectionSendBuffer / 2
        {
            state.owesWritable = false
            events.append(.writable(StreamID(id)))
        }
    }

    /// The peer stopped our sending; ngtcp2 has answered with a reset and tells us only when we write or when the
    /// stream is over.
    func sendingWasStopped(_ id: Int64, code: UInt64?) {
        guard let state = streams[id], !state.wasReset, !state.wasStopped else { return }
        state.wasStopped = true
        state.isSendClosed = true
        events.append(.stopSending(StreamID(id), code: code))
    }

    /// The last byte of the peer's direction was delivered, or that direction was abandoned.
    ///
    /// ngtcp2 0.12.1 never closes a unidirectional stream of the peer's (repaired upstream in 0.13): it makes no close
    /// callback and keeps the stream's record, some hundreds of bytes, until the connection ends. So the end of
    /// receiving is the end of such a stream here, and the number of streams a connection may ever open is limited.
    func receivingEnded(_ id: Int64) {
        guard StreamID(id).isUnidirectional, isRemote(id), streams[id] != nil else { return }
        streamEnded(id, code: nil)
    }

    /// Both directions of a stream are over.
    /// - Parameter code: the application's error code, when the stream ended with one.
    func streamEnded(_ id: Int64, code: UInt64?) {
        if code != nil, streams[id]?.send.hasUnacknowledged == true { sendingWasStopped(id, code: code) }
        guard let state = streams.removeValue(forKey: id) else { return }
        bufferedByteCount -= state.send.unacknowledgedByteCount
        // What the application has not consumed yet still counts against the connection's window.
        if state.unconsumedByteCount > 0 { endedUnconsumed[id] = state.unconsumedByteCount }
        if isRemote(id) { allowOneMore(StreamID(id).isUnidirectional ? .unidirectional : .bidirectional) }
        events.append(.streamClosed(StreamID(id)))
    }

    private func isRemote(_ id: Int64) -> Bool { StreamID(id).isServerInitiated == (role == .client) }

    /// The peer may open as many streams again as have ended (RFC 9000 section 4.6), up to the limit of a connection's life.
    private func allowOneMore(_ kind: StreamKind) {
        guard let handle, endedPeerStreams < configuration.limits.peerStreamsInAll else { return }
        endedPeerStreams += 1
        switch kind {
        case .unidirectional: ngtcp2_conn_extend_max_streams_uni(handle, 1)
        case .bidirectional: ngtcp2_conn_extend_max_streams_bidi(handle, 1)
        }
    }

    func datagramAcknowledged(_ id: UInt64) {
        outstandingDatagrams.settle(id)
        events.append(.datagramAcknowledged(id: id))
        owesSilenceCheck = true
    }

    /// Declares lost what stayed silent for long while a later datagram was acknowledged. Only after the whole packet of
    /// acknowledgements: it tells of the latest datagram first, and the silent ones may stand further down.
    func declareSilentDatagramsLost() {
        guard owesSilenceCheck else { return }
        owesSilenceCheck = false
        // ngtcp2 declares a packet lost 9/8 of a round trip after a later one is acknowledged (RFC 9002 section 6.1.2);
        // three probe timeouts are far beyond that.
        let patience = closeDuration
        while let silent = outstandingDatagrams.popSilent(sentBefore: now.advanced(by: .zero - patience)) {
            events.append(.datagramLost(id: silent))
        }
    }
}
