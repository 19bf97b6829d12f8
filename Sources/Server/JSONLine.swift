internal import FoundationEssentials
internal import Glibc

/// One JSON object a line, for programs that read our standard output.
package enum JSONLine {
    /// Keys are sorted: the same value gives the same line.
    package static func text(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Writes the line at once, in one call.
    package static func print(_ value: some Encodable) {
        let bytes = Array((text(value) + "\n").utf8)
        _ = write(STDOUT_FILENO, bytes, bytes.count)
    }
}
