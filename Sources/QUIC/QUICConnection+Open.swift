internal import CNgtcp2
package import Wire

/// What a server learnt from a client's first Initial before it made a connection.
package struct InitialHeader: Hashable, Sendable {
    package var version: UInt32
    package var destination: ConnectionID
    package var source: ConnectionID
    package var token: [UInt8]
}

extension QUICConnection {
    /// Opens a connection to a server. The first flight is ready for `pollTransmit`.
    ///
    /// - Parameters:
    ///   - alpn: protocols in order of preference; the server must choose one.
    ///   - ticket: of an earlier connection: where it fits, `earlyData` is the first event and data leaves with the first
    ///     packet. One that does not fit, or is too old, is left alone.
    ///   - takesTickets: whether `ticket` events are wanted.
    ///   - version: the QUIC version of the first packet; version 1 unless a test asks for another.
    package static func client(
        serverName: String, alpn: [String], credentials: ClientCredentials, configuration: QUICConfiguration,
        ticket: SessionTicket? = nil, takesTickets: Bool = false, path: NetworkPath, entropy: Entropy, now: Instant,
        version: UInt32 = QUICVersion.v1
    ) -> QUICConnection {
        let issuer = ConnectionIDIssuer(entropy: entropy)
        // RFC 9000 section 7.2: the first destination ID is random and at least 8 bytes long.
        let destination = issuer.make(byteCount: 16)
        let source = issuer.make(byteCount: 8)
        let connection = QUICConnection(
            role: .client, configuration: configuration, trust: credentials.trust, originalDestination: destination,
            issuer: issuer, path: path, now: now)
        var callbacks = makeCallbacks(role: .client)
        var settings = connection.makeSettings(token: (nil, 0))
        var parameters = connection.makeTransportParameters()
        var dcid = ngtcp2_cid(destination)
        var scid = ngtcp2_cid(source)
        connection.inputPath.store(path)
        let status = ngtcp2_conn_client_new_versioned(
            &connection.handle, &dcid, &scid, connection.inputPath.path, version,
            NGTCP2_CALLBACKS_VERSION, &callbacks, NGTCP2_SETTINGS_VERSION, &settings,
            NGTCP2_TRANSPORT_PARAMS_VERSION, &parameters, nil, connection.userData)
        precondition(status == 0, "ngtcp2 makes a client connection unless memory is exhausted")
        if takesTickets { connection.ticketName = serverName }
        func makeTLS() -> TLSSession {
            TLSSession(
                client: credentials, serverName: serverName, alpn: alpn, takesTickets: takesTickets || ticket != nil, owner: connection)
        }
        if let ticket, ticket.serverName == serverName, ticket.trust == credentials.trust, alpn.contains(ticket.alpn),
            !ticket.isExpired(at: now)
        {
            let tls = makeTLS()
            if tls.resume(ticket.session) {
                connection.attach(tls)
                connection.beginEarly(with: ticket)
                return connection
            }
        }
        // Also after a ticket that GnuTLS could not read: it leaves a session behind that must not be used.
        connection.attach(makeTLS())
        return connection
    }

    /// Accepts a connection whose first Initial has `header`; hand that datagram to `receive` next.
    ///
    /// - Parameters:
    ///   - originalDestination: where the client sent its very first Initial: the header's destination, or what a
    ///     Retry token says (then `isAfterRetry`).
    ///   - tickets: gives tickets and takes early data; `nil` for neither.
    package static func server(
        header: InitialHeader, originalDestination: ConnectionID, isAfterRetry: Bool, alpn: [String],
        credentials: ServerCredentials, tickets: TicketDesk? = nil, configuration: QUICConfiguration, issuer: ConnectionIDIssuer,
        path: NetworkPath, now: Instant
    ) -> QUICConnection {
        let source = issuer.make(byteCount: ConnectionIDLayout.byteCount)
        let connection = QUICConnection(
            role: .server, configuration: configuration, trust: .insecure, originalDestination: originalDestination,
            issuer: issuer, path: path, now: now)
        var callbacks = makeCallbacks(role: .server)
        var parameters = connection.makeTransportParameters()
        parameters.original_dcid = ngtcp2_cid(originalDestination)
        if isAfterRetry {
            parameters.retry_scid = ngtcp2_cid(header.destination)
            parameters.retry_scid_present = 1
        }
        parameters.stateless_reset_token_present = 1
        withUnsafeMutableBytes(of: &parameters.stateless_reset_token) { $0.copyBytes(from: issuer.resetToken(for: source)) }
        var dcid = ngtcp2_cid(header.source)
        var scid = ngtcp2_cid(source)
        connection.inputPath.store(path)
        var token = header.token
        let status = token.withUnsafeMutableBufferPointer { token in
            // The token is passed only when it was checked: it tells ngtcp2 that the address is validated.
            var settings = connection.makeSettings(token: isAfterRetry ? (token.baseAddress, token.count) : (nil, 0))
            return ngtcp2_conn_server_new_versioned(
                &connection.handle, &dcid, &scid, connection.inputPath.path, header.version,
                NGTCP2_CALLBACKS_VERSION, &callbacks, NGTCP2_SETTINGS_VERSION, &settings,
                NGTCP2_TRANSPORT_PARAMS_VERSION, &parameters, nil, connection.userData)
        }
        precondition(status == 0, "ngtcp2 makes a server connection unless memory is exhausted")
        connection.ticketDesk = tickets
        connection.attach(TLSSession(server: credentials, desk: tickets, alpn: alpn, owner: connection))
        connection.note(.issued(source))
        return connection
    }

    var userData: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    private func attach(_ tls: TLSSession) {
        self.tls = tls
        guard let handle else { preconditionFailure("the connection was just made") }
        ngtcp2_conn_set_tls_native_handle(handle, UnsafeMutableRawPointer(tls.handle))
        stopGreasing(handle)
    }

    /// Keeps the peer from clearing the QUIC bit: the first byte would no longer tell QUIC from STUN, DTLS and RTP on the
    /// same port, so RFC 9443 section 4 forbids to advertise `grease_quic_bit` there. ngtcp2 0.12.1 overwrites that
    /// field of what it is given with 1 and reads it once more, when TLS asks for the parameters, which is after this.
    private func stopGreasing(_ handle: OpaquePointer) {
        UnsafeMutablePointer(mutating: ngtcp2_conn_get_local_transport_params(handle))?.pointee.grease_quic_bit = 0
    }

    private func makeSettings(token: (UnsafeMutablePointer<UInt8>?, Int)) -> ngtcp2_settings {
        var settings = ngtcp2_settings()
        ngtcp2_settings_default_versioned(NGTCP2_SETTINGS_VERSION, &settings)
        settings.initial_ts = now.nanoseconds
        settings.cc_algo = switch configuration.congestionControl {
        case .cubic: NGTCP2_CC_ALGO_CUBIC
        case .bbr: NGTCP2_CC_ALGO_BBR
        case .reno: NGTCP2_CC_ALGO_RENO
        }
        settings.initial_rtt = UInt64(configuration.initialRTT.nanoseconds)
        settings.handshake_timeout = UInt64(configuration.handshakeTimeout.nanoseconds)
        settings.ack_thresh = configuration.acknowledgementThreshold
        settings.no_pmtud = configuration.discoversPathMTU ? 0 : 1
        settings.token = ngtcp2_vec(base: token.0, len: token.1)
        settings.rand_ctx.native_handle = Unmanaged.passUnretained(issuer).toOpaque()
        if configuration.qlog != nil {
            settings.qlog.odcid = ngtcp2_cid(originalDestination)
            settings.qlog.write = writeQlog
        }
        return settings
    }

    private func makeTransportParameters() -> ngtcp2_transport_params {
        let limits = configuration.limits
        var parameters = ngtcp2_transport_params()
        ngtcp2_transport_params_default_versioned(NGTCP2_TRANSPORT_PARAMS_VERSION, &parameters)
        parameters.initial_max_stream_data_bidi_local = limits.streamReceiveWindow
        parameters.initial_max_stream_data_bidi_remote = limits.streamReceiveWindow
        parameters.initial_max_stream_data_uni = limits.streamReceiveWindow
        parameters.initial_max_data = limits.connectionReceiveWindow
        parameters.initial_max_streams_uni = limits.peerUnidirectionalStreams
        parameters.initial_max_streams_bidi = limits.peerBidirectionalStreams
        parameters.max_idle_timeout = UInt64(configuration.idleTimeout.nanoseconds)
        parameters.max_ack_delay = UInt64(configuration.maximumAcknowledgementDelay.nanoseconds)
        parameters.max_datagram_frame_size = limits.maximumDatagramFrame
        parameters.active_connection_id_limit = limits.activeConnectionIDs
        return parameters
    }
}
