internal import DTLS
internal import Foundation
internal import HTTP3
internal import Opus
internal import QUIC
internal import SRTP

/// What this program runs on and how it was called, for whoever wants to repeat a measurement.
enum Machine {
    /// The command as a shell takes it.
    static var commandLine: String {
        let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_./,:=+@%"))
        let arguments = CommandLine.arguments.dropFirst().map { argument in
            let isPlain = !argument.isEmpty && argument.unicodeScalars.allSatisfy(plain.contains)
            return isPlain ? argument : "'" + argument.replacing("'", with: "'\\''") + "'"
        }
        return (["parallax"] + arguments).joined(separator: " ")
    }

    /// As the libraries name themselves; usrsctp does not.
    static var libraries: [String] {
        QUICLibraries.versions + HTTP3Libraries.versions + DTLSLibraries.versions + SRTPLibraries.versions + OpusLibraries.versions
    }

    static var system: String {
        let release = lines(of: "/etc/os-release").first { $0.hasPrefix("PRETTY_NAME=") }?.dropFirst("PRETTY_NAME=".count)
        let kernel = lines(of: "/proc/sys/kernel/osrelease").first.map { "Linux \($0)" }
        let name = release.map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "\"")) }
        return [name, kernel].compactMap { $0 }.joined(separator: ", ")
    }

    static var processor: String {
        let model = lines(of: "/proc/cpuinfo").first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last
        let name = model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
        return "\(name), \(ProcessInfo.processInfo.activeProcessorCount) cores"
    }

    private static func lines(of path: String) -> [String] {
        ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }
}
