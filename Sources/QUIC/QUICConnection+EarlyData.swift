internal import CNgtcp2
internal import Wire

// Early data (0-RTT, RFC 9001 section 4.6).
//
// A client with a ticket sends before it has heard anything. Should the server refuse, RFC 9001 section 4.6.2 wants all streams
// forgotten and begun anew. Nothing that our clients send early depends on what the server answers, so the connection
// does it itself: it opens the same streams once more, with the same bytes, and sends the same datagrams.

/// What a client sent early, until the server has said whether it took it.
struct EarlyFlight {
    /// In the order of sending.
    var datagrams: [QUICConnection.QueuedDatagram] = []
    /// After a refusal: streams that still need the server's credit, in the order of their numbers.
    var streamsToReopen: [Int64] = []
    /// The server has answered with a Retry, and ngtcp2 has forgotten the datagrams that were sent before it.
    var wasRetried = false
    /// The server has refused.
    var wasRejected = false
}

extension QUICConnection {
    /// Client, whose TLS session goes on with the ticket's: lets data be sent at once.
    func beginEarly(with ticket: SessionTicket) {
        guard let handle else { return }
        let remembered = ticket.parameters
        var parameters = ngtcp2_transport_params()
        ngtcp2_transport_params_default_versioned(NGTCP2_TRANSPORT_PARAMS_VERSION, &parameters)
        parameters.initial_max_data = remembered.initialMaxData
        parameters.initial_max_stream_data_bidi_local = remembered.initialMaxStreamDataBidiLocal
        parameters.initial_max_stream_data_bidi_remote = remembered.initialMaxStreamDataBidiRemote
        parameters.initial_max_stream_data_uni = remembered.initialMaxStreamDataUni
        parameters.initial_max_streams_bidi = remembered.initialMaxStreamsBidi
        parameters.initial_max_streams_uni = remembered.initialMaxStreamsUni
        parameters.active_connection_id_limit = remembered.activeConnectionIDLimit
        parameters.max_datagram_frame_size = remembered.maxDatagramFrameSize
        ngtcp2_conn_set_early_remote_transport_params_versioned(handle, NGTCP2_TRANSPORT_PARAMS_VERSION, &parameters)
        earlyData = .pending
        events.append(.earlyData(alpn: ticket.alpn))
    }

    /// Client: the server gave a ticket.
    func received(ticket session: [UInt8], lifetime: Duration) {
        guard let ticketName, let handle, let parameters = ngtcp2_conn_get_remote_transport_params(handle)?.pointee else { return }
        events.append(.ticket(SessionTicket(
            serverName: ticketName, alpn: alpn, trust: trust, expiry: now + lifetime, session: session,
            parameters: RememberedParameters(
                initialMaxData: parameters.initial_max_data,
                initialMaxStreamDataBidiLocal: parameters.initial_max_stream_data_bidi_local,
                initialMaxStreamDataBidiRemote: parameters.initial_max_stream_data_bidi_remote,
                initialMaxStreamDataUni: parameters.initial_max_stream_data_uni,
                initialMaxStreamsBidi: parameters.initial_max_streams_bidi,
                initialMaxStreamsUni: parameters.initial_max_streams_uni,
                activeConnectionIDLimit: parameters.active_connection_id_limit,
                maxDatagramFrameSize: parameters.max_datagram_frame_size))))
    }

    /// Server: something came before the handshake is complete. It can only be early data.
    func announceEarlyData() {
        guard role == .server, case .handshaking = state, earlyData == .none else { return }
        earlyData = .pending
        events.append(.earlyData(alpn: alpn))
    }

    /// The handshake is complete: what became of the early data, and the server's ticket for the next time.
    /// - Returns: whether ngtcp2 could go on.
    func decideEarlyData() -> Bool {
        guard let handle, let tls else { return false }
        switch role {
        case .server:
            if earlyData == .pending { earlyData = .accepted }
            tls.sendTicket()
        case .client:
            guard earlyData == .pending else { break }
            guard !tls.earlyDataWasAccepted else {
                earlyData = .accepted
                earlyFlight = EarlyFlight()
                break
            }
            earlyData = .rejected
            earlyFlight.wasRejected = true
            return ngtcp2_conn_early_data_rejected(handle) == 0
        }
        return true
    }

    /// Client, outside of ngtcp2's callbacks: queues again what a refusal or a Retry has swept away.
    func goOnAfterEarlyData() {
        guard role == .client else { return }
        if earlyFlight.wasRejected {
            earlyFlight.wasRejected = false
            sendQueue.removeAll()
            for state in streams.values { state.isQueued = false }
            earlyFlight.streamsToReopen = streams.keys.sorted()
            requeueEarlyDatagrams()
        } else if earlyFlight.wasRetried {
            earlyFlight.wasRetried = false
            if earlyData == .pending { requeueEarlyDatagrams() }
        }
        reopenStreams()
    }

    /// The datagrams that were sent early stand before those that were not.
    private func requeueEarlyDatagrams() {
        outstandingDatagrams = OutstandingDatagrams()
        var queue = BoundedQueue<QueuedDatagram>(limit: configuration.limits.datagramSendQueue)
        for datagram in earlyFlight.datagrams { queue.append(datagram) }
        while let datagram = datagrams.popFirst() { queue.append(datagram) }
        datagrams = queue
        earlyFlight.datagrams = []
    }

    /// Opens the streams of the refused flight again. ngtcp2 counts from the first number anew, and so they are the same.
    func reopenStreams() {
        guard let handle, !earlyFlight.streamsToReopen.isEmpty else { return }
        let waiting = earlyFlight.streamsToReopen
        earlyFlight.streamsToReopen = waiting.filter { id in
            var opened: Int64 = -1
            let status = StreamID(id).isUnidirectional
                ? ngtcp2_conn_open_uni_stream(handle, &opened, nil) : ngtcp2_conn_open_bidi_stream(handle, &opened, nil)
            return status != 0
        }
        for id in waiting where !earlyFlight.streamsToReopen.contains(id) {
            streams[id]?.send.rewind()
            enqueueForSending(id)
        }
    }
}
