internal import CNghttp3

/// The library that QPACK stands on, as it names itself when it runs.
package enum HTTP3Libraries {
    package static var versions: [String] {
        nghttp3_version(0).map { ["nghttp3 " + String(cString: $0.pointee.version_str)] } ?? []
    }
}
