internal import Glibc

/// Whether and how text for people is coloured.
package struct TerminalStyle: Hashable, Sendable {
    package var isColoured: Bool

    package init(isColoured: Bool) { self.isColoured = isColoured }

    /// Colour only for a terminal that knows it, and never against `NO_COLOR` (no-color.org).
    package init(isTerminal: Bool, environment: [String: String]) {
        isColoured = isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// The style for a stream of this process.
    package init(descriptor: Int32, environment: [String: String]) {
        self.init(isTerminal: isatty(descriptor) == 1, environment: environment)
    }

    package enum Colour: Int, Sendable {
        case red = 31, green = 32, yellow = 33
        case bold = 1, faint = 2
    }

    package func paint(_ text: String, _ colour: Colour) -> String {
        isColoured ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }
}
