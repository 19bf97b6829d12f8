internal import COpus

/// The codec, as it names itself when it runs.
package enum OpusLibraries {
    package static var versions: [String] { opus_get_version_string().map { [String(cString: $0)] } ?? [] }
}
