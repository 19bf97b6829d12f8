internal import COpenSSL
internal import RTP
package import Wire

/// One end of a DTLS 1.2 session with the keys for SRTP (RFC 5764), sans-I/O.
///
/// Only 1.2: OpenSSL 3.0 has no DTLS 1.3, and WebRTC's peers still speak both. No cookie is asked for: the caller hands over
/// only datagrams from an address that ICE has proved.
///
/// Change it (`start`, `receive`, `handleTimeout`, `send`, `close`), then drain `pollEvent` and `pollTransmit`, then wait
/// for a datagram or for `deadline`. It belongs to one thread at a time.
///
/// OpenSSL offers no clock to set: its retransmission timer reads `gettimeofday`. On real sockets that runs beside `now`;
/// a simulation interposes it (`CVirtualClock`) and sets it to `now` before each call. Randomness is OpenSSL's own, so
/// bytes differ from run to run; their sizes do not, with an Ed25519 identity.
///
/// **When SRTP begins.** The server has its keys when it verified the client's Finished, which is also when the handshake
/// is done. A client would wait a round trip more for the server's Finished. It does not: its keys are told as soon as its
/// own Finished is written. By then the server's certificate had the signalled fingerprint, and that certificate's key
/// signed this very key exchange over both random values, so nobody else can know the keys. What is open until the
/// server's Finished is whether somebody changed the *choices*: RFC 7918 allows to send before it exactly where every
/// choice that could have been forced is a good one. Here each is: ephemeral Diffie-Hellman, an AEAD cipher, and SRTP
/// profiles that this side was willing to use anyway. Application data of DTLS itself waits for `established`.
package final class DTLSSession {
    private enum State {
        case idle
        case handshaking(giveUpAt: Instant)
        case established
        case closed
    }

    /// What is known of the peer's certificate.
    private enum Verification {
        case notSeen
        case matched
        case mismatched
    }

    package let role: DTLSRole
    private let configuration: DTLSConfiguration
    private let expected: ExpectedFingerprints
    private let datagrams: DatagramBIO
    /// OpenSSL's session; freed as soon as the session is closed.
    private var handle: OpaquePointer?
    private var state = State.idle
    private var verification = Verification.notSeen
    private var hasToldKeys = false
    private var earlyRecordCount = 0
    private var retransmissionDue: Instant?
    private var events: BoundedQueue<DTLSEvent>
    /// The most that `send` takes; known when the session is established.
    package private(set) var maximumMessageByteCount = 0

    /// - Parameter peerFingerprints: what the signalling says of the peer's certificate; at least one is needed.
    package init(
        role: DTLSRole, identity: DTLSIdentity, peerFingerprints: [CertificateFingerprint],
        configuration: DTLSConfiguration = DTLSConfiguration()
    ) throws(DTLSFailure) {
        guard let expected = ExpectedFingerprints(peerFingerprints) else { throw .noUsableFingerprint }
        guard !configuration.srtpProfiles.isEmpty else { throw .noProfile }
        self.role = role
        self.configuration = configuration
        self.expected = expected
        datagrams = DatagramBIO(mtu: configuration.maximumDatagramByteCount, outboundLimit: configuration.limits.outboundDatagrams)
        // Keys, establishment and the end are always told.
        events = BoundedQueue(limit: configuration.limits.events + 3)
        ERR_clear_error()
        guard let handle = SSL_new(identity.context.handle) else { throw .library("cannot make a session: \(openSSLError())") }
        self.handle = handle
        try configure(handle)
    }

    deinit { SSL_free(handle) }

    package var isEstablished: Bool { if case .established = state { true } else { false } }
    package var isClosed: Bool { if case .closed = state { true } else { false } }

    /// When `handleTimeout` wants to be called; `nil` when the session waits for nothing.
    package var deadline: Instant? {
        guard case .handshaking(let giveUpAt) = state else { return nil }
        return earliest(giveUpAt, retransmissionDue)
    }

    /// Begins the handshake: a client writes its ClientHello, and on both sides the time for it begins to run.
    package func start(now: Instant) {
        guard case .idle = state else { return }
        state = .handshaking(giveUpAt: now + configuration.handshakeTimeout)
        if role == .client { proceed(now: now) }
    }

    /// Takes one datagram from the peer, whatever it holds; lent for this call. A client that has not started ignores it.
    package func receive(_ datagram: UnsafeRawBufferPointer, now: Instant) {
        if role == .server { start(now: now) }
        guard !datagram.isEmpty, admit(datagram) else { return }
        datagrams.lend(datagram) { proceed(now: now) }
    }

    /// To be called when `deadline` has come.
    package func handleTimeout(now: Instant) {
        guard case .handshaking(let giveUpAt) = state, let handle else { return }
        guard now < giveUpAt else { return finish(.handshakeTimeout) }
        guard let due = retransmissionDue, due <= now else { return }
        ERR_clear_error()
        // −1 when it has resent often enough in vain.
        guard parallax_DTLSv1_handle_timeout(handle) >= 0 else { return finish(.handshakeTimeout) }
        proceed(now: now)
    }

    /// The next datagram for the peer.
    package func pollTransmit() -> [UInt8]? { datagrams.popOutbound() }

    package func pollEvent() -> DTLSEvent? { events.popFirst() }

    /// Sends `bytes` as one record in one datagram.
    package func send(_ bytes: [UInt8]) throws(DTLSFailure) {
        guard case .established = state, let handle else { throw .notEstablished }
        guard bytes.count <= maximumMessageByteCount else { throw .messageTooLarge(limit: maximumMessageByteCount) }
        guard !datagrams.isFull else { throw .queueFull }
        guard !bytes.isEmpty else { return }
        ERR_clear_error()
        guard SSL_alloc_buffers(handle) == 1, SSL_write(handle, bytes, Int32(bytes.count)) == bytes.count else {
            throw .library(openSSLError())
        }
        SSL_free_buffers(handle)
    }

    /// Ends the session with close_notify, where there is one to end.
    package func close() {
        sendCloseNotify()
        end()
    }

    // MARK: What OpenSSL calls

    /// The session that an `SSL` belongs to. It outlives the `SSL`, which it frees itself.
    static func owner(of ssl: OpaquePointer?) -> DTLSSession? {
        parallax_SSL_get_app_data(ssl).map { Unmanaged<DTLSSession>.fromOpaque($0).takeUnretainedValue() }
    }

    /// - Parameter peerCertificate: an `X509`, borrowed.
    func verify(peerCertificate: OpaquePointer) -> Bool {
        let matches = expected.match(peerCertificate)
        verification = matches ? .matched : .mismatched
        return matches
    }

    /// How long to wait for an answer after having waited for `previous` in vain; 0 for the first time.
    fileprivate func retransmissionInterval(after previous: UInt32) -> UInt32 {
        let schedule = configuration.retransmission
        let next = previous == 0 ? schedule.initial : .microseconds(Int64(previous) * 3 / 2)
        return UInt32(clamping: max(min(next, schedule.maximum).nanoseconds / 1_000, 1))
    }

    // MARK: The handshake

    private func configure(_ handle: OpaquePointer) throws(DTLSFailure) {
        guard let bio = datagrams.makeHandle() else { throw .library("cannot make a BIO") }
        // Takes the one reference that we had.
        SSL_set_bio(handle, bio, bio)
        parallax_SSL_set_app_data(handle, Unmanaged.passUnretained(self).toOpaque())
        let mtu = configuration.maximumDatagramByteCount
        // The second is also the size of the buffer that OpenSSL writes records in; 512 is the least it takes.
        guard parallax_SSL_set_mtu(handle, mtu) > 0, parallax_SSL_set_max_send_fragment(handle, max(mtu, 512)) == 1 else {
            throw .library("no handshake fits into datagrams of \(mtu) bytes")
        }
        parallax_SSL_set_max_cert_list(handle, configuration.limits.certificateChainByteCount)
        // The one function of its kind that answers 0 for success.
        let profiles = configuration.srtpProfiles.map(\.openSSLName).joined(separator: ":")
        guard SSL_set_tlsext_use_srtp(handle, profiles) == 0 else { throw .library("an SRTP profile is not known") }
        DTLS_set_timer_cb(handle) { ssl, previous in
            DTLSSession.owner(of: ssl)?.retransmissionInterval(after: previous) ?? 1_000_000
        }
        switch role {
        case .client: SSL_set_connect_state(handle)
        case .server: SSL_set_accept_state(handle)
        }
    }

    /// Whether OpenSSL is to see a datagram. During the handshake it keeps records that it cannot read yet: too many are turned
    /// away, and so is what can be no part of a handshake.
    private func admit(_ datagram: UnsafeRawBufferPointer) -> Bool {
        switch state {
        case .idle, .closed: return false
        case .established: return true
        case .handshaking: break
        }
        let bytes = datagram.bindMemory(to: UInt8.self)
        guard let count = DTLSRecordHeader.protectedHandshakeCount(in: bytes.span) else { return false }
        earlyRecordCount += count
        return earlyRecordCount <= configuration.limits.earlyRecords
    }

    private func proceed(now: Instant) {
        if case .handshaking = state { continueHandshake() }
        if case .established = state { readRecords() }
        retransmissionDue = timeUntilRetransmission.map { now + $0 }
    }

    private func continueHandshake() {
        guard let handle else { return }
        ERR_clear_error()
        let status = SSL_do_handshake(handle)
        if status == 1 {
            tellKeys()
            guard hasToldKeys else { return finish(.noCommonProfile) }
            state = .established
            maximumMessageByteCount = DTLS_get_data_mtu(handle)
            events.append(.established)
        } else if SSL_get_error(handle, status) != SSL_ERROR_WANT_READ {
            fail()
        } else if role == .client, SSL_get_state(handle) == TLS_ST_CW_FINISHED, isSafeBeforePeerFinished {
            tellKeys()
        }
    }

    /// RFC 7918 section 4: what must hold for keys to be used before the server's Finished. The context offers nothing
    /// else; this is the place that fails when somebody adds to it.
    private var isSafeBeforePeerFinished: Bool {
        guard verification == .matched, let cipher = SSL_get_pending_cipher(handle) else { return false }
        return SSL_CIPHER_is_aead(cipher) == 1 && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe
    }

    /// Tells the SRTP keys once, if a profile was agreed on.
    private func tellKeys() {
        guard !hasToldKeys, let keys = exportKeys() else { return }
        hasToldKeys = true
        events.append(.keysAvailable(keys))
    }

    /// RFC 5764 section 4.2: the client's and the server's master key, then the client's and the server's master salt.
    private func exportKeys() -> SRTPKeys? {
        guard
            let selected = SSL_get_selected_srtp_profile(handle),
            let number = UInt16(exactly: selected.pointee.id), let profile = SRTPProfile(rawValue: number)
        else { return nil }
        let (keyCount, saltCount) = (profile.masterKeyByteCount, profile.masterSaltByteCount)
        var material = [UInt8](repeating: 0, count: 2 * (keyCount + saltCount))
        let label = "EXTRACTOR-dtls_srtp"
        guard SSL_export_keying_material(handle, &material, material.count, label, label.utf8.count, nil, 0, 0) == 1 else {
            return nil
        }
        let salts = 2 * keyCount
        let client = Array(material[..<keyCount] + material[salts..<(salts + saltCount)])
        let server = Array(material[keyCount..<salts] + material[(salts + saltCount)...])
        return switch role {
        case .client: SRTPKeys(profile: profile, local: client, remote: server)
        case .server: SRTPKeys(profile: profile, local: server, remote: client)
        }
    }

    private var timeUntilRetransmission: Duration? {
        guard case .handshaking = state, let handle else { return nil }
        var left = timeval()
        guard parallax_DTLSv1_get_timeout(handle, &left) == 1 else { return nil }
        return .seconds(left.tv_sec) + .microseconds(left.tv_usec)
    }

    // MARK: After the handshake

    private func readRecords() {
        guard let handle else { return }
        withUnsafeTemporaryAllocation(byteCount: Int(SSL3_RT_MAX_PLAIN_LENGTH), alignment: 16) { buffer in
            while case .established = state {
                ERR_clear_error()
                let status = SSL_read(handle, buffer.baseAddress, Int32(buffer.count))
                if status > 0 {
                    take(UnsafeRawBufferPointer(rebasing: buffer[..<Int(status)]))
                    continue
                }
                switch SSL_get_error(handle, status) {
                case SSL_ERROR_WANT_READ:
                    // 17 KB to read in and a datagram's worth to write in; OpenSSL keeps them for DTLS unless told.
                    SSL_free_buffers(handle)
                    return
                case SSL_ERROR_ZERO_RETURN:
                    sendCloseNotify()
                    finish(.peerClosed)
                default:
                    fail()
                }
            }
        }
    }

    private func take(_ message: UnsafeRawBufferPointer) {
        guard events.count < configuration.limits.events else { return }
        events.append(.data([UInt8](message)))
    }

    private func sendCloseNotify() {
        guard case .established = state, let handle else { return }
        ERR_clear_error()
        guard SSL_alloc_buffers(handle) == 1 else { return }
        SSL_shutdown(handle)
    }

    // MARK: The end

    /// Ends the session for the reason that OpenSSL left on this thread's error queue.
    private func fail() {
        let code = ERR_peek_error()
        let reason = Int(parallax_ERR_reason(code))
        if case .mismatched = verification {
            finish(.fingerprintMismatch)
        } else if reason == SSL_R_READ_TIMEOUT_EXPIRED {
            finish(.handshakeTimeout)
        } else if reason >= Int(SSL_AD_REASON_OFFSET), reason < Int(SSL_AD_REASON_OFFSET) + 256 {
            finish(.peerAlert(reason - Int(SSL_AD_REASON_OFFSET)))
        } else {
            finish(.protocolError(openSSLError()))
        }
    }

    private func finish(_ reason: DTLSClose) {
        end()
        events.append(.closed(reason))
    }

    private func end() {
        state = .closed
        retransmissionDue = nil
        SSL_free(handle)
        handle = nil
    }
}

extension SRTPProfile {
    /// How OpenSSL names the profile.
    fileprivate var openSSLName: String {
        switch self {
        case .aes128CMSHA1_80: "SRTP_AES128_CM_SHA1_80"
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aeadAES256GCM: "SRTP_AEAD_AES_256_GCM"
        }
    }
}
