internal import CNgtcp2
internal import Glibc
internal import Wire

/// One TLS 1.3 session of GnuTLS for QUIC, driven by ngtcp2's helper.
///
/// Owns the GnuTLS session and the reference by which the helper's callbacks find the connection; both
/// outlive the `ngtcp2_conn` that uses them, because `QUICConnection` frees that first.
final class TLSSession {
    let handle: gnutls_session_t
    private let connectionReference: UnsafeMutablePointer<ngtcp2_crypto_conn_ref>
    // A session points to its credentials and priorities: they live as long as it does.
    private let server: ServerCredentials?
    private let client: ClientCredentials?
    fileprivate let desk: TicketDesk?
    /// Server: the protocols that it speaks, best first.
    fileprivate let alpn: [[UInt8]]
    /// Client: of the ticket that is being read.
    fileprivate var ticketLifetime = Duration.zero

    /// - Parameter owner: found again in callbacks; must outlive the session.
    init(server credentials: ServerCredentials, desk: TicketDesk?, alpn: [String], owner: QUICConnection) {
        var handle: gnutls_session_t?
        let flags = SessionFlag.server | (desk == nil ? SessionFlag.noTickets : SessionFlag.earlyData | SessionFlag.noAutomaticTicket)
        let status = gnutls_init(&handle, flags)
        guard status == 0, let handle else { preconditionFailure("GnuTLS is out of memory") }
        self.handle = handle
        server = credentials
        client = nil
        self.desk = desk
        self.alpn = alpn.map { Array($0.utf8) }
        connectionReference = Self.makeReference(owner)
        ngtcp2_crypto_gnutls_configure_server_session(handle)
        gnutls_credentials_set(handle, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials.handle))
        if let desk {
            desk.enable(handle)
            let anyMessage = UInt32.max  // GNUTLS_HANDSHAKE_ANY
            gnutls_handshake_set_hook_function(handle, anyMessage, GNUTLS_HOOK_PRE, mindTickets)
        }
        finish(alpn: alpn, isServer: true, owner: owner)
    }

    /// - Parameter takesTickets: whether `owner` wants to hear of the tickets that the server gives.
    init(client credentials: ClientCredentials, serverName: String, alpn: [String], takesTickets: Bool, owner: QUICConnection) {
        var handle: gnutls_session_t?
        // One key share: a second would cost a key generation for each connection.
        let flags = SessionFlag.client | SessionFlag.topKeyShare | (takesTickets ? SessionFlag.earlyData : SessionFlag.noTickets)
        let status = gnutls_init(&handle, flags)
        guard status == 0, let handle else { preconditionFailure("GnuTLS is out of memory") }
        self.handle = handle
        server = nil
        client = credentials
        desk = nil
        self.alpn = []
        connectionReference = Self.makeReference(owner)
        ngtcp2_crypto_gnutls_configure_client_session(handle)
        gnutls_credentials_set(handle, GNUTLS_CRD_CERTIFICATE, UnsafeMutableRawPointer(credentials.handle))
        let name = Array(serverName.utf8)
        gnutls_server_name_set(handle, GNUTLS_NAME_DNS, name, name.count)
        if credentials.trust == .system { gnutls_session_set_verify_cert(handle, serverName, 0) }
        if takesTickets {
            gnutls_handshake_set_hook_function(
                handle, UInt32(GNUTLS_HANDSHAKE_NEW_SESSION_TICKET.rawValue), GNUTLS_HOOK_BOTH, keepTicket)
        }
        finish(alpn: alpn, isServer: false, owner: owner)
    }

    deinit {
        gnutls_deinit(handle)
        connectionReference.deallocate()
    }

    /// The protocol that both ends agreed on; empty before they did.
    var negotiatedALPN: String {
        var datum = gnutls_datum_t()
        guard gnutls_alpn_get_selected_protocol(handle, &datum) == 0 else { return "" }
        return String(decoding: UnsafeBufferPointer(start: datum.data, count: Int(datum.size)), as: UTF8.self)
    }

    /// Client, before the handshake: offers to go on with an earlier session.
    /// - Returns: whether GnuTLS could read it.
    func resume(_ session: [UInt8]) -> Bool { gnutls_session_set_data(handle, session, session.count) == 0 }

    /// Whether early data was taken by this server, or by the server that this client spoke to.
    var earlyDataWasAccepted: Bool { gnutls_session_get_flags(handle) & SessionFlag.didEarlyData != 0 }

    /// Server, once the handshake is complete: gives the client a ticket, where there is a desk.
    func sendTicket() {
        if desk != nil { gnutls_session_ticket_send(handle, 1, 0) }
    }

    private func finish(alpn: [String], isServer: Bool, owner: QUICConnection) {
        gnutls_priority_set(handle, TLSPriority.shared.handle)
        gnutls_session_set_ptr(handle, connectionReference)
        setALPN(alpn, isServer: isServer)
        if owner.configuration.keyLog != nil {
            gnutls_session_set_keylog_function(handle, logTLSSecret)
        }
    }

    /// Without a common protocol the handshake ends with `no_application_protocol` (RFC 9001 section 8.1).
    private func setALPN(_ protocols: [String], isServer: Bool) {
        var bytes = protocols.map { Array($0.utf8) }
        var datums: [gnutls_datum_t] = []
        // The pointers are read by this one call, which copies the names.
        for index in bytes.indices {
            bytes[index].withUnsafeMutableBufferPointer {
                let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max($0.count, 1))
                copy.initialize(from: $0.baseAddress ?? copy, count: $0.count)
                datums.append(gnutls_datum_t(data: copy, size: UInt32($0.count)))
            }
        }
        defer { for datum in datums { datum.data.deallocate() } }
        let mandatory: UInt32 = 1  // GNUTLS_ALPN_MANDATORY
        let serverPrecedence: UInt32 = 2  // GNUTLS_ALPN_SERVER_PRECEDENCE
        gnutls_alpn_set_protocols(handle, datums, UInt32(datums.count), isServer ? mandatory | serverPrecedence : mandatory)
    }

    private static func makeReference(_ owner: QUICConnection) -> UnsafeMutablePointer<ngtcp2_crypto_conn_ref> {
        let reference = UnsafeMutablePointer<ngtcp2_crypto_conn_ref>.allocate(capacity: 1)
        reference.initialize(
            to: ngtcp2_crypto_conn_ref(
                get_conn: { reference in
                    guard let userData = reference?.pointee.user_data else { return nil }
                    return Unmanaged<QUICConnection>.fromOpaque(userData).takeUnretainedValue().handle
                },
                user_data: Unmanaged.passUnretained(owner).toOpaque()))
        return reference
    }
}

/// A client's trust, in GnuTLS's form.
///
/// `@unchecked Sendable` for the reason that `ServerCredentials` gives.
package final class ClientCredentials: @unchecked Sendable {
    let handle: gnutls_certificate_credentials_t
    package let trust: ClientTrust

    package init(_ trust: ClientTrust) {
        var allocated: gnutls_certificate_credentials_t?
        let status = gnutls_certificate_allocate_credentials(&allocated)
        guard status == 0, let allocated else { preconditionFailure("GnuTLS is out of memory") }
        handle = allocated
        self.trust = trust
        switch trust {
        case .system: gnutls_certificate_set_x509_system_trust(allocated)
        case .certificateSHA256: gnutls_certificate_set_verify_function(allocated, verifyPinnedCertificate)
        case .insecure: break
        }
    }

    deinit { gnutls_certificate_free_credentials(handle) }
}

/// What both ends offer, parsed once for the process.
///
/// `@unchecked Sendable` holds because sessions only read it once it is parsed, and it is never freed.
private final class TLSPriority: @unchecked Sendable {
    static let shared = TLSPriority()
    let handle: gnutls_priority_t

    private init() {
        // AES-128-GCM first: hardware does it, and RFC 9001 needs no more. X25519 first, P-256 for peers without it.
        let offer = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305"
            + ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE"
        var parsed: gnutls_priority_t?
        let status = gnutls_priority_init(&parsed, offer, nil)
        guard status == 0, let parsed else { preconditionFailure("GnuTLS knows the names in the priority string") }
        handle = parsed
    }
}

/// Flags of `gnutls_init`; the enumeration's cases do not combine in Swift.
private enum SessionFlag {
    static let server = UInt32(1)
    static let client = UInt32(1 << 1)
    static let noTickets = UInt32(1 << 10)
    static let topKeyShare = UInt32(1 << 11)
    /// GNUTLS_ENABLE_EARLY_DATA; QUIC has no EndOfEarlyData message (RFC 9001 section 8.3): GNUTLS_NO_END_OF_EARLY_DATA.
    static let earlyData = UInt32(1 << 20 | 1 << 22)
    static let noAutomaticTicket = UInt32(1 << 21)
    /// Of `gnutls_session_get_flags`: GNUTLS_SFLAGS_EARLY_DATA.
    static let didEarlyData = UInt32(1 << 10)
}

/// The connection whose TLS session calls back.
private func connection(of session: gnutls_session_t?) -> QUICConnection? {
    guard let session, let pointer = gnutls_session_get_ptr(session),
        let userData = pointer.assumingMemoryBound(to: ngtcp2_crypto_conn_ref.self).pointee.user_data
    else { return nil }
    return Unmanaged<QUICConnection>.fromOpaque(userData).takeUnretainedValue()
}

private func verifyPinnedCertificate(_ session: gnutls_session_t?) -> Int32 {
    let refused: Int32 = -43  // GNUTLS_E_CERTIFICATE_ERROR
    guard let owner = connection(of: session), case .certificateSHA256(let pinned) = owner.trust else { return refused }
    var count: UInt32 = 0
    guard let chain = gnutls_certificate_get_peers(session, &count), count > 0 else { return refused }
    return sha256(chain[0]) == pinned ? 0 : refused
}

/// Server: a ClientHello is about to be read, or a ticket to be sent.
private func mindTickets(
    _ session: gnutls_session_t?, _ type: UInt32, _: UInt32, _ isIncoming: UInt32, _ message: UnsafePointer<gnutls_datum_t>?
) -> Int32 {
    guard let session, let message, let tls = connection(of: session)?.tls, let desk = tls.desk else { return 0 }
    switch (isIncoming != 0, type) {
    case (true, UInt32(GNUTLS_HANDSHAKE_CLIENT_HELLO.rawValue)):
        desk.considers(offer(inHello: message), for: session, speaking: tls.alpn)
    case (false, UInt32(GNUTLS_HANDSHAKE_NEW_SESSION_TICKET.rawValue)):
        let bytes = UnsafeBufferPointer(start: message.pointee.data, count: Int(message.pointee.size)).span
        if let given = try? NewSessionTicket(parsing: bytes) { desk.gives(given.ticket) }
    default: break
    }
    return 0
}

/// - Parameter message: a ClientHello, without its header.
private func offer(inHello message: UnsafePointer<gnutls_datum_t>) -> TicketOffer {
    var offer = TicketOffer()
    withUnsafeMutablePointer(to: &offer) { found in
        _ = gnutls_ext_raw_parse(
            found,
            { found, identifier, data, count in
                found?.assumingMemoryBound(to: TicketOffer.self).pointee
                    .add(extension: identifier, UnsafeBufferPointer(start: data, count: Int(count)).span)
                return 0
            },
            message, UInt32(GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO))
    }
    return offer
}

extension TicketOffer {
    /// Reads a ClientHello without its header; what GnuTLS finds no extensions in offers nothing.
    package init(parsing hello: [UInt8]) {
        var hello = hello
        self = hello.withUnsafeMutableBufferPointer { bytes in
            var datum = gnutls_datum_t(data: bytes.baseAddress, size: UInt32(clamping: bytes.count))
            return withUnsafePointer(to: &datum) { offer(inHello: $0) }
        }
    }
}

/// Client: a NewSessionTicket is about to be read, or has been, and so GnuTLS has what the next connection needs of this one.
private func keepTicket(
    _ session: gnutls_session_t?, _: UInt32, _ moment: UInt32, _ isIncoming: UInt32, _ message: UnsafePointer<gnutls_datum_t>?
) -> Int32 {
    guard isIncoming != 0, let session, let message, let owner = connection(of: session), let tls = owner.tls else { return 0 }
    // Once it has been read nothing is left of the message.
    guard moment == UInt32(GNUTLS_HOOK_POST) else {
        let bytes = UnsafeBufferPointer(start: message.pointee.data, count: Int(message.pointee.size)).span
        tls.ticketLifetime = (try? NewSessionTicket(parsing: bytes))?.lifetime ?? .zero
        return 0
    }
    guard tls.ticketLifetime > .zero else { return 0 }
    var datum = gnutls_datum_t()
    guard gnutls_session_get_data2(session, &datum) == 0 else { return 0 }
    defer { gnutls_free_datum(datum) }
    owner.received(ticket: Array(UnsafeBufferPointer(start: datum.data, count: Int(datum.size))), lifetime: tls.ticketLifetime)
    return 0
}

private func logTLSSecret(
    _ session: gnutls_session_t?, _ label: UnsafePointer<CChar>?, _ secret: UnsafePointer<gnutls_datum_t>?
) -> Int32 {
    guard let session, let label, let secret, let sink = connection(of: session)?.configuration.keyLog else { return 0 }
    var random = gnutls_datum_t()
    gnutls_session_get_random(session, &random, nil)
    sink("\(String(cString: label)) \(hexadecimal(random)) \(hexadecimal(secret.pointee))")
    return 0
}

private func hexadecimal(_ datum: gnutls_datum_t) -> String {
    UnsafeBufferPointer(start: datum.data, count: Int(datum.size))
        .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
