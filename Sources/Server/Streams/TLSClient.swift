internal import Crypto
internal import NIOCore
internal import NIOSSL
internal import QUIC

/// TLS of a client over TCP: whom it trusts is said as for QUIC.
enum TLSClient {
    /// The certificate is not the one whose hash was given.
    struct OtherCertificate: Error {}

    /// A certificate that is known by its hash need not name the host, and with no trust nothing needs to.
    static func configuration(_ trust: ClientTrust) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.shutdownTimeout = .milliseconds(200)
        if trust != .system {
            configuration.certificateVerification = .noHostnameVerification
            // No authority is asked, and to read all that a system has takes milliseconds.
            configuration.trustRoots = .certificates([])
        }
        return configuration
    }

    static func handler(_ context: NIOSSLContext, host: String, trust: ClientTrust) throws -> NIOSSLClientHandler {
        // An IP address is no server name (RFC 6066 section 3); it is compared with the certificate all the same.
        let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
        switch trust {
        case .system: return try NIOSSLClientHandler(context: context, serverHostname: name)
        case .insecure:
            return try NIOSSLClientHandler(context: context, serverHostname: name) { _, verified in verified.succeed(.certificateVerified) }
        case .certificateSHA256(let hash):
            return try NIOSSLClientHandler(context: context, serverHostname: name) { chain, verified in
                let leaf = try? chain.first?.toDERBytes()
                guard let leaf, Array(SHA256.hash(data: leaf)) == hash else { return verified.fail(OtherCertificate()) }
                verified.succeed(.certificateVerified)
            }
        }
    }
}
