internal import Glibc
package import Logging

/// Writes log lines for people to standard error: time, level, message, then `key=value` pairs.
package struct LogOutput: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let style: TerminalStyle

    package init(level: Logger.Level, style: TerminalStyle) {
        logLevel = level
        self.style = style
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }
        let line = Self.line(
            time: Self.timeOfDay(), level: event.level, message: "\(event.message)", metadata: pairs, style: style)
        // One call a line: lines of several threads don't mix.
        let bytes = Array((line + "\n").utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }

    /// - Parameter time: as it is to stand in the line.
    package static func line(
        time: String, level: Logger.Level, message: String, metadata: Logger.Metadata, style: TerminalStyle
    ) -> String {
        let word = level.rawValue.uppercased()
        let padded = word + String(repeating: " ", count: max(0, 8 - word.count))
        let coloured: String =
            switch level {
            case .trace, .debug: style.paint(padded, .faint)
            case .info, .notice: padded
            case .warning: style.paint(padded, .yellow)
            case .error, .critical: style.paint(padded, .red)
            }
        let pairs = metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\(printable("\($0.value)"))" }.joined()
        return "\(style.paint(time, .faint)) \(coloured) \(printable(message))\(style.paint(pairs, .faint))"
    }

    /// A peer's text must not forge lines or drive the terminal: control characters are escaped.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
    }

    private static func timeOfDay() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        func two(_ value: Int32) -> String { (value < 10 ? "0" : "") + "\(value)" }
        let milliseconds = Int32(now.tv_nsec / 1_000_000)
        let fraction = (milliseconds < 100 ? "0" : "") + two(milliseconds)
        return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
    }
}
