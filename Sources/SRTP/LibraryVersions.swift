internal import CSRTP

/// The library that SRTP stands on, as it names itself when it runs.
package enum SRTPLibraries {
    package static var versions: [String] { srtp_get_version_string().map { [String(cString: $0)] } ?? [] }
}
