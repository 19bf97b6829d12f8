internal import CNgtcp2
internal import Glibc

/// Why certificate or key could not be used.
package struct CredentialsError: Error, CustomStringConvertible, Sendable {
    package let description: String
}

/// A server's certificate chain and private key, shared by all its connections.
///
/// `@unchecked Sendable` holds because the GnuTLS credentials are written only in `init`, and GnuTLS documents that
/// credentials structures may be shared by threads once they are set up.
package final class ServerCredentials: @unchecked Sendable {
    let handle: gnutls_certificate_credentials_t
    /// SHA-256 over the leaf certificate's DER form: what a browser takes as `serverCertificateHashes`.
    package let certificateSHA256: [UInt8]
    /// The leaf certificate in PEM form, for clients that want a file.
    package let certificatePEM: [UInt8]
    /// The private key in PEM form, as it was given: HTTPS has a TLS of its own and serves the same certificate.
    package let privateKeyPEM: [UInt8]

    /// Reads a chain and its key, both PEM.
    package init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(CredentialsError) {
        var allocated: gnutls_certificate_credentials_t?
        try check(gnutls_certificate_allocate_credentials(&allocated), "allocate credentials")
        guard let allocated else { throw CredentialsError(description: "GnuTLS gave no credentials") }
        handle = allocated
        let status = withDatum(certificatePEM) { certificate in
            withDatum(keyPEM) { key in
                gnutls_certificate_set_x509_key_mem(allocated, certificate, key, GNUTLS_X509_FMT_PEM)
            }
        }
        guard status >= 0 else {
            gnutls_certificate_free_credentials(allocated)
            throw CredentialsError(description: "certificate or key is not usable PEM: \(message(status))")
        }
        self.certificatePEM = certificatePEM
        privateKeyPEM = keyPEM
        certificateSHA256 = Self.leafHash(allocated)
    }

    deinit { gnutls_certificate_free_credentials(handle) }

    /// What signs the handshake.
    package enum KeyKind: Sendable {
        /// What browsers accept for `serverCertificateHashes`. Its signatures vary in length from run to run.
        case ecdsaP256
        /// Signatures of one length, so that simulated packet sizes repeat. Browsers refuse it.
        case ed25519
    }

    /// Makes a certificate for `localhost` and the loopback addresses, valid from an hour before
    /// `unixSeconds` for `validity` altogether. Browsers take at most 14 days by hash (W3C WebTransport section 6.4).
    package static func selfSigned(
        _ kind: KeyKind, unixSeconds: Int, validity: Duration = .seconds(10 * 86400), extraNames: [String] = []
    ) throws(CredentialsError) -> ServerCredentials {
        var keyHandle: gnutls_x509_privkey_t?
        try check(gnutls_x509_privkey_init(&keyHandle), "make a key")
        guard let key = keyHandle else { throw CredentialsError(description: "GnuTLS gave no key") }
        defer { gnutls_x509_privkey_deinit(key) }
        let (algorithm, curve, digest) = switch kind {
        case .ecdsaP256: (GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP256R1, GNUTLS_DIG_SHA256)
        case .ed25519: (GNUTLS_PK_EDDSA_ED25519, GNUTLS_ECC_CURVE_ED25519, GNUTLS_DIG_SHA512)
        }
        // GNUTLS_CURVE_TO_BITS is a macro that Swift does not import.
        let bits = 0x8000_0000 | UInt32(curve.rawValue)
        try check(gnutls_x509_privkey_generate(key, algorithm, bits, 0), "generate a key")

        var certificateHandle: gnutls_x509_crt_t?
        try check(gnutls_x509_crt_init(&certificateHandle), "make a certificate")
        guard let certificate = certificateHandle else { throw CredentialsError(description: "GnuTLS gave no certificate") }
        defer { gnutls_x509_crt_deinit(certificate) }
        try fill(certificate, key: key, unixSeconds: unixSeconds, validity: validity, extraNames: extraNames)
        try check(gnutls_x509_crt_sign2(certificate, certificate, key, digest, 0), "sign the certificate")
        return try ServerCredentials(
            certificatePEM: export { gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &$0) },
            // PKCS #8 in clear: the only form that GnuTLS has for Ed25519.
            keyPEM: export { gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, nil, UInt32(GNUTLS_PKCS_PLAIN.rawValue), &$0) })
    }

    private static func fill(
        _ certificate: gnutls_x509_crt_t, key: gnutls_x509_privkey_t, unixSeconds: Int, validity: Duration, extraNames: [String]
    ) throws(CredentialsError) {
        try check(gnutls_x509_crt_set_version(certificate, 3), "set the version")
        // One certificate for each key: a fixed serial collides with nothing.
        var serial: [UInt8] = [0x50, 0x61, 0x72, 0x61, 0x6C, 0x6C, 0x61, 0x78]
        try check(gnutls_x509_crt_set_serial(certificate, &serial, serial.count), "set the serial number")
        let start = unixSeconds - 3600
        try check(gnutls_x509_crt_set_activation_time(certificate, start), "set the start")
        try check(gnutls_x509_crt_set_expiration_time(certificate, start + Int(validity.components.seconds)), "set the end")
        try check(gnutls_x509_crt_set_dn(certificate, "CN=localhost", nil), "set the name")
        try check(gnutls_x509_crt_set_key(certificate, key), "set the key")
        for name in ["localhost"] + extraNames {
            let bytes = Array(name.utf8)
            try check(
                gnutls_x509_crt_set_subject_alt_name(
                    certificate, GNUTLS_SAN_DNSNAME, bytes, UInt32(bytes.count), UInt32(GNUTLS_FSAN_APPEND)),
                "add a name")
        }
        for address in [[127, 0, 0, 1], [UInt8](repeating: 0, count: 15) + [1]] as [[UInt8]] {
            try check(
                gnutls_x509_crt_set_subject_alt_name(
                    certificate, GNUTLS_SAN_IPADDRESS, address, UInt32(address.count), UInt32(GNUTLS_FSAN_APPEND)),
                "add an address")
        }
        try check(gnutls_x509_crt_set_key_usage(certificate, UInt32(GNUTLS_KEY_DIGITAL_SIGNATURE)), "set the usage")
    }

    private static func export(_ body: (inout gnutls_datum_t) -> Int32) throws(CredentialsError) -> [UInt8] {
        var datum = gnutls_datum_t()
        try check(body(&datum), "export")
        defer { gnutls_free_datum(datum) }
        return [UInt8](UnsafeBufferPointer(start: datum.data, count: Int(datum.size)))
    }

    private static func leafHash(_ credentials: gnutls_certificate_credentials_t) -> [UInt8] {
        var leaf = gnutls_datum_t()
        guard gnutls_certificate_get_crt_raw(credentials, 0, 0, &leaf) == 0 else { return [] }
        return sha256(leaf)
    }
}

/// Which server a client believes.
package enum ClientTrust: Hashable, Sendable {
    /// The system's certificate authorities, and the name that was asked for.
    case system
    /// A leaf certificate with this SHA-256 over its DER form, whatever it says.
    case certificateSHA256([UInt8])
    /// Anybody. For tests and simulation.
    case insecure
}

func sha256(_ datum: gnutls_datum_t) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let status = gnutls_hash_fast(GNUTLS_DIG_SHA256, datum.data, Int(datum.size), &digest)
    precondition(status == 0, "GnuTLS has SHA-256")
    return digest
}

func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    let status = gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, bytes.count, &digest)
    precondition(status == 0, "GnuTLS has SHA-256")
    return digest
}

/// `gnutls_free` is a variable holding a function, which Swift 6 cannot read safely; the datum came from malloc.
func gnutls_free_datum(_ datum: gnutls_datum_t) { free(datum.data) }

func withDatum<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<gnutls_datum_t>) -> Result) -> Result {
    var copy = bytes
    return copy.withUnsafeMutableBufferPointer { buffer in
        var datum = gnutls_datum_t(data: buffer.baseAddress, size: UInt32(buffer.count))
        return body(&datum)
    }
}

private func message(_ status: Int32) -> String { String(cString: gnutls_strerror(status)) }

private func check(_ status: Int32, _ action: String) throws(CredentialsError) {
    guard status >= 0 else { throw CredentialsError(description: "cannot \(action): \(message(status))") }
}
