internal import COpenSSL

/// A key and its self-signed certificate; one value serves every session of a process.
///
/// All sessions of one identity share OpenSSL's context, so that a session costs only what is its own.
package struct DTLSIdentity: Sendable {
    let context: DTLSContext

    /// What signs the handshake.
    package enum Kind: CaseIterable, Hashable, Sendable {
        /// What every browser takes. Its signatures vary in length from run to run.
        case ecdsaP256
        /// Signatures of one length, so that simulated packet sizes repeat.
        case ed25519
    }

    /// Makes a key and a certificate for it, valid from a day before `unixSeconds` for a year.
    ///
    /// Peers of WebRTC believe the fingerprint and look at nothing else (RFC 8827 section 6.5); the dates are there
    /// because a certificate must have some.
    package static func selfSigned(_ kind: Kind, unixSeconds: Int) throws(DTLSFailure) -> DTLSIdentity {
        ERR_clear_error()
        let pair = try CertifiedKey(selfSigned: kind, unixSeconds: unixSeconds)
        switch kind {
        case .ecdsaP256: return DTLSIdentity(context: try DTLSContext(pair))
        case .ed25519:
            let companion = try CertifiedKey(selfSigned: .ecdsaP256, unixSeconds: unixSeconds)
            return DTLSIdentity(context: try DTLSContext(ed25519: pair, companion: companion))
        }
    }

    /// SHA-256 over the certificate: what the SDP says of us.
    package var fingerprint: CertificateFingerprint { context.fingerprint }
}

/// A private key and the certificate that it signed itself.
final class CertifiedKey {
    /// An `EVP_PKEY`.
    let key: OpaquePointer
    /// An `X509`.
    let certificate: OpaquePointer

    init(selfSigned kind: DTLSIdentity.Kind, unixSeconds: Int) throws(DTLSFailure) {
        let generated = switch kind {
        case .ecdsaP256: parallax_EVP_P256_keygen()
        case .ed25519: parallax_EVP_ed25519_keygen()
        }
        guard let key = generated else { throw .library("cannot generate a key: \(openSSLError())") }
        guard let certificate = X509_new() else {
            EVP_PKEY_free(key)
            throw .library("cannot make a certificate")
        }
        self.key = key
        self.certificate = certificate
        // Ed25519 hashes by itself.
        let digest = kind == .ed25519 ? nil : EVP_sha256()
        guard fill(unixSeconds: unixSeconds), X509_sign(certificate, key, digest) > 0 else {
            throw .library("cannot sign a certificate: \(openSSLError())")
        }
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
    }

    private func fill(unixSeconds: Int) -> Bool {
        let day = 86_400
        let name = Array("parallax".utf8)
        // One certificate for each key: a fixed serial number collides with nothing.
        return X509_set_version(certificate, 2) == 1
            && ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), 0x5061_7261_6C6C_6178) == 1
            && ASN1_TIME_set(X509_getm_notBefore(certificate), unixSeconds - day) != nil
            && ASN1_TIME_set(X509_getm_notAfter(certificate), unixSeconds + 365 * day) != nil
            && X509_set_pubkey(certificate, key) == 1
            && X509_NAME_add_entry_by_txt(
                X509_get_subject_name(certificate), "CN", parallax_MBSTRING_UTF8, name, Int32(name.count), -1, 0) == 1
            && X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1
    }
}
