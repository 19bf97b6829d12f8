/// A piece of HTML. Text gets in by interpolation and is escaped there, and nowhere else: the literal parts of
/// `"<p>\(name)</p>" as HTML` are markup, what is interpolated is text unless it is HTML itself.
package struct HTML: Hashable, Sendable, ExpressibleByStringInterpolation {
    /// The markup.
    package private(set) var markup: String

    package init(stringLiteral markup: String) { self.markup = markup }
    package init(stringInterpolation interpolation: StringInterpolation) { markup = interpolation.markup }

    /// Markup that somebody else has made safe.
    init(trusted markup: String) { self.markup = markup }

    /// Text, escaped.
    package init(text: String) { markup = Self.escaped(text) }

    /// Characters that mean something in text or in a quoted attribute become references (HTML, section 13.1.4); control
    /// characters, which HTML does not allow, are shown as the replacement character.
    private static func escaped(_ text: String) -> String {
        var markup = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": markup += "&amp;"
            case "<": markup += "&lt;"
            case ">": markup += "&gt;"
            case "\"": markup += "&quot;"
            case "'": markup += "&#39;"
            case "\t", "\n": markup.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}": markup += "\u{FFFD}"
            default: markup.unicodeScalars.append(scalar)
            }
        }
        return markup
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var markup = ""

        package init(literalCapacity: Int, interpolationCount: Int) { markup.reserveCapacity(literalCapacity) }
        package mutating func appendLiteral(_ literal: String) { markup += literal }
        package mutating func appendInterpolation(_ text: String) { markup += HTML.escaped(text) }
        package mutating func appendInterpolation(_ number: Int) { markup += String(number) }
        package mutating func appendInterpolation(_ html: HTML) { markup += html.markup }
        package mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { markup += piece.markup } }
    }
}

extension HTML {
    static func paragraphs(_ texts: [String]) -> HTML { "\(texts.map { "<p>\($0)</p>\n" as HTML })" }

    static func list(_ texts: [String]) -> HTML { "<ul>\n\(texts.map { "<li>\($0)</li>\n" as HTML })</ul>\n" }
}
