internal import CNgtcp2

/// The libraries that QUIC stands on, as they name themselves when they run.
package enum QUICLibraries {
    package static var versions: [String] {
        var versions: [String] = []
        if let information = ngtcp2_version(0) { versions.append("ngtcp2 " + String(cString: information.pointee.version_str)) }
        if let version = gnutls_check_version(nil) { versions.append("GnuTLS " + String(cString: version)) }
        return versions
    }
}
