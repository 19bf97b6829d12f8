internal import COpenSSL

/// The library that DTLS stands on, as it names itself when it runs.
package enum DTLSLibraries {
    package static var versions: [String] { OpenSSL_version(OPENSSL_VERSION_STRING).map { ["OpenSSL " + String(cString: $0)] } ?? [] }
}
