internal import COpenSSL

/// OpenSSL's `SSL_CTX` for one identity: what its sessions have in common.
///
/// `@unchecked Sendable` holds because the context is written only in `init`; afterwards sessions only take references to
/// it and read it, which OpenSSL documents as safe for threads.
final class DTLSContext: @unchecked Sendable {
    let handle: OpaquePointer
    let fingerprint: CertificateFingerprint

    /// ECDHE with AEAD and nothing else: what lets a client use its keys before the server's Finished (`DTLSSession`).
    /// AES-128 first: hardware does it, and it is what browsers choose.
    private static let cipherSuites =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
        + ":ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
        + ":ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    private static let groups = "X25519:P-256:P-384"

    /// - Parameter identity: the context takes references of its own to key and certificate.
    init(_ identity: CertifiedKey) throws(DTLSFailure) {
        guard let digest = FingerprintHash.sha256.digest(ofCertificate: identity.certificate) else {
            throw .library("cannot hash the certificate")
        }
        fingerprint = CertificateFingerprint(algorithm: FingerprintHash.sha256.rawValue, digest: digest)
        guard let handle = SSL_CTX_new(DTLS_method()) else { throw .library("cannot make a context") }
        self.handle = handle
        guard
            parallax_SSL_CTX_set_dtls12_only(handle) == 1,
            SSL_CTX_set_cipher_list(handle, Self.cipherSuites) == 1,
            parallax_SSL_CTX_set1_groups_list(handle, Self.groups) == 1
        else { throw .library("cannot configure a context: \(openSSLError())") }
        try use(identity)
        SSL_CTX_set_options(handle, parallax_dtls_options)
        // Nothing is ever resumed: a call is set up once, and a cache would only grow.
        parallax_SSL_CTX_set_session_cache_off(handle)
        // Both ends show a certificate (RFC 5763 section 5), and only its fingerprint counts.
        SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        SSL_CTX_set_cert_verify_callback(handle, verifyPeerCertificate, nil)
    }

    /// A context that signs by Ed25519.
    ///
    /// An OpenSSL 3.0 server takes ECDSA cipher suites for usable with an Ed25519 certificate only in TLS, not in DTLS. With
    /// an ECDSA certificate beside it, it takes them, and then chooses the certificate by the order of signature
    /// algorithms: the companion opens the door and is never shown to a peer that knows Ed25519.
    convenience init(ed25519 identity: CertifiedKey, companion: CertifiedKey) throws(DTLSFailure) {
        try self.init(identity)
        try use(companion)
        // A client shows what was set last.
        try use(identity)
        let order = "ed25519:ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA+SHA256"
        guard parallax_SSL_CTX_set1_sigalgs_list(handle, order) == 1 else {
            throw .library("cannot set signature algorithms: \(openSSLError())")
        }
    }

    private func use(_ identity: CertifiedKey) throws(DTLSFailure) {
        guard
            SSL_CTX_use_certificate(handle, identity.certificate) == 1,
            SSL_CTX_use_PrivateKey(handle, identity.key) == 1
        else { throw .library("cannot use a certificate: \(openSSLError())") }
    }

    deinit { SSL_CTX_free(handle) }
}

/// OpenSSL asks this instead of building a chain. 1 is yes.
private func verifyPeerCertificate(_ store: OpaquePointer?, _: UnsafeMutableRawPointer?) -> Int32 {
    guard
        let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let certificate = X509_STORE_CTX_get0_cert(store),
        let session = DTLSSession.owner(of: OpaquePointer(ssl)),
        session.verify(peerCertificate: certificate)
    else {
        // Sent as the alert bad_certificate (RFC 8122 section 6.2).
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
        return 0
    }
    X509_STORE_CTX_set_error(store, X509_V_OK)
    return 1
}

/// The oldest error of this thread's queue in OpenSSL's words; the queue is empty afterwards.
func openSSLError() -> String {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0, let reason = ERR_reason_error_string(code) else { return "no reason given" }
    return String(cString: reason)
}
