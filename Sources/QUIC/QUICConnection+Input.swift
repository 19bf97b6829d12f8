internal import CNgtcp2
package import Wire

extension QUICConnection {
    /// What a server must do after the very first datagram of a connection.
    package enum ReceiveOutcome: Hashable, Sendable {
        case processed
        /// The datagram does not begin the handshake's data: another part of a ClientHello came first
        /// (RFC 9001 section 4.3). Forget this connection, keep the datagram, and try with the next Initial.
        case needsEarlierInitial
        /// Not worth a connection: forget it without a word.
        case dropped
    }

    /// Takes in one UDP datagram. Never fails to the caller: what is wrong with it closes the connection or is ignored,
    /// as RFC 9000 says.
    @discardableResult
    package func receive(
        _ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant
    ) -> ReceiveOutcome {
        self.now = max(self.now, now)
        switch state {
        case .handshaking, .established: break
        case .closing(var closing):
            closing.received += 1
            if closing.received >= closing.threshold {
                closing.received = 0
                closing.threshold = min(closing.threshold * 2, 1024)
                closing.owesPacket = true
            }
            state = .closing(closing)
            return .processed
        case .closeRequested, .draining, .closed: return .processed
        }
        guard let first = datagram.first else { return .processed }
        if role == .server, case .handshaking = state, first & 0x80 == 0 {
            earlyPackets.keep(datagram, path: path, ecn: ecn, limit: configuration.limits.earlyPacketBytes)
            return .processed
        }
        ticketDesk?.now = self.now
        let outcome = read(datagram, path: path, ecn: ecn)
        goOnAfterEarlyData()
        if case .established = state {
            for packet in earlyPackets.take() {
                packet.bytes.withUnsafeBytes { _ = read($0, path: packet.path, ecn: packet.ecn) }
            }
        }
        return outcome
    }

    private func read(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN) -> ReceiveOutcome {
        guard let handle, let bytes = datagram.baseAddress else { return .processed }
        switch state {
        case .handshaking, .established: break
        case .closeRequested, .closing, .draining, .closed: return .processed
        }
        inputPath.store(pathNames.named(path))
        var info = ngtcp2_pkt_info(ecn: UInt32(ecn.rawValue))
        let status = ngtcp2_conn_read_pkt_versioned(
            handle, inputPath.path, NGTCP2_PKT_INFO_VERSION, &info, bytes.assumingMemoryBound(to: UInt8.self),
            datagram.count, self.now.nanoseconds)
        declareSilentDatagramsLost()
        return settle(status)
    }

    /// Call when `deadline` has come.
    package func handleTimeout(now: Instant) {
        self.now = max(self.now, now)
        switch state {
        case .handshaking, .established:
            guard let handle, let deadline, deadline <= self.now else { return }
            timeoutHandledAt = self.now
            let status = ngtcp2_conn_handle_expiry(handle, self.now.nanoseconds)
            settle(status)
        case .closing(let closing) where closing.until <= self.now: state = .closed
        case .draining(let until) where until <= self.now: state = .closed
        case .closeRequested, .closing, .draining, .closed: break
        }
    }

    /// Turns a status of ngtcp2's into the state that follows from it.
    @discardableResult
    func settle(_ status: Int32) -> ReceiveOutcome {
        switch status {
        case 0: return .processed
        case NGTCP2_ERR_RETRY:
            return .needsEarlierInitial
        case NGTCP2_ERR_DROP_CONN:
            fail(with: .dropped)
            return .dropped
        case NGTCP2_ERR_DRAINING:
            enterDraining()
        case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
            // `receiveVersionNegotiation` has reported which versions are on offer.
            fail(with: .versionNegotiation(offered: []))
        case NGTCP2_ERR_IDLE_CLOSE: fail(with: .idleTimeout)
        case NGTCP2_ERR_HANDSHAKE_TIMEOUT: fail(with: .handshakeTimeout)
        case NGTCP2_ERR_CRYPTO:
            let alert = handle.map { ngtcp2_conn_get_tls_alert($0) } ?? 0
            // RFC 9001 section 4.8: CRYPTO_ERROR is 0x0100 plus the alert.
            reportClose(.transport(code: 0x100 + UInt64(alert), reason: "the TLS handshake failed here"))
            state = .closeRequested(.alert(alert))
        default:
            let reason = String(cString: ngtcp2_strerror(status))
            reportClose(.transport(code: ngtcp2_err_infer_quic_transport_error_code(status), reason: reason))
            // After an error that is fatal to ngtcp2 the connection may only be deleted.
            state = ngtcp2_err_is_fatal(status) != 0 ? .closed : .closeRequested(.transport(liberr: status))
        }
        return .processed
    }

    private func fail(with close: QUICClose) {
        reportClose(close)
        state = .closed
    }

    /// The peer sent CONNECTION_CLOSE, or a stateless reset was recognised.
    private func enterDraining() {
        guard let handle else { return }
        var error = ngtcp2_connection_close_error()
        ngtcp2_conn_get_connection_close_error(handle, &error)
        let reason = error.reason.map { String(decoding: UnsafeBufferPointer(start: $0, count: error.reasonlen), as: UTF8.self) } ?? ""
        if error.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION {
            reportClose(.application(code: error.error_code, reason: reason))
        } else {
            reportClose(.transport(code: error.error_code, reason: reason))
        }
        state = .draining(until: now + closeDuration)
    }

    /// Three probe timeouts (RFC 9000 section 10.2).
    var closeDuration: Duration {
        guard let handle else { return .zero }
        return .nanoseconds(Int64(clamping: ngtcp2_conn_get_pto(handle))) * 3
    }
}
