internal import COpenSSL

/// A hash of a certificate as SDP carries it (RFC 8122 section 5).
package struct CertificateFingerprint: Hashable, Sendable {
    /// The hash function's name in lower case, as in `sha-256`.
    package var algorithm: String
    package var digest: [UInt8]

    package init(algorithm: String, digest: [UInt8]) {
        self.algorithm = algorithm
        self.digest = digest
    }
}

/// The hash functions by which we believe a certificate, weakest first. SHA-1 and MD5 are not among them.
enum FingerprintHash: String, CaseIterable {
    case sha256 = "sha-256"
    case sha384 = "sha-384"
    case sha512 = "sha-512"

    var digestByteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The digest of a certificate's DER form.
    /// - Parameter certificate: an `X509`, borrowed.
    func digest(ofCertificate certificate: OpaquePointer) -> [UInt8]? {
        let function = switch self {
        case .sha256: EVP_sha256()
        case .sha384: EVP_sha384()
        case .sha512: EVP_sha512()
        }
        var digest = [UInt8](repeating: 0, count: digestByteCount)
        guard X509_digest(certificate, function, &digest, nil) == 1 else { return nil }
        return digest
    }
}

/// The fingerprints against which a peer's certificate is held.
///
/// Where the signalling names several hash functions, the strongest that we know decides, and any of its fingerprints
/// will do: a peer may sign with one of several certificates (RFC 8122 section 5).
struct ExpectedFingerprints {
    private let hash: FingerprintHash
    private let digests: [[UInt8]]

    /// `nil` when none is by a hash function that we believe.
    init?(_ fingerprints: [CertificateFingerprint]) {
        let strongest = FingerprintHash.allCases.last { hash in
            fingerprints.contains { $0.algorithm.lowercased() == hash.rawValue && $0.digest.count == hash.digestByteCount }
        }
        guard let strongest else { return nil }
        hash = strongest
        digests = fingerprints.filter { $0.algorithm.lowercased() == strongest.rawValue }.map(\.digest)
    }

    /// - Parameter certificate: an `X509`, borrowed.
    func match(_ certificate: OpaquePointer) -> Bool {
        guard let digest = hash.digest(ofCertificate: certificate) else { return false }
        return digests.contains(digest)
    }
}
