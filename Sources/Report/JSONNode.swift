internal import Lab

/// A value of JSON whose members keep their order, so that the same report has the same bytes.
package enum JSONNode: Hashable, Sendable {
    case object([Member])
    case array([JSONNode])
    case text(String)
    case integer(Int)
    /// Written with at most three decimals.
    case number(Double)
    case flag(Bool)
    case null

    package struct Member: Hashable, Sendable {
        package var name: String
        package var value: JSONNode
    }

    static func optional(_ number: Double?) -> JSONNode { number.map(JSONNode.number) ?? .null }
    static func numbers(_ numbers: [Double]) -> JSONNode { .array(numbers.map(JSONNode.number)) }
    static func texts(_ texts: [String]) -> JSONNode { .array(texts.map(JSONNode.text)) }

    /// The value as JSON that can stand in a `script` element: nothing in it ends the element or begins a comment
    /// (HTML, section 13.1.2.1), since `<`, `>` and `&` in strings are escaped.
    package var scriptText: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to output: inout String) {
        switch self {
        case .object(let members):
            output += "{"
            for (index, member) in members.enumerated() {
                output += index == 0 ? "" : ","
                Self.write(member.name, to: &output)
                output += ":"
                member.value.write(to: &output)
            }
            output += "}"
        case .array(let values):
            output += "["
            for (index, value) in values.enumerated() {
                output += index == 0 ? "" : ","
                value.write(to: &output)
            }
            output += "]"
        case .text(let text): Self.write(text, to: &output)
        case .integer(let integer): output += String(integer)
        case .number(let number): output += Self.shortest(number)
        case .flag(let flag): output += flag ? "true" : "false"
        case .null: output += "null"
        }
    }

    /// Three decimals at most: a microsecond of a millisecond is as fine as rows are.
    private static func shortest(_ number: Double) -> String {
        guard var text = decimal(number, places: 3) else { return "null" }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text == "-0" ? "0" : text
    }

    private static func write(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\u{0}"..."\u{1F}", "<", ">", "&", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}

extension JSONNode: ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral, ExpressibleByStringLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    package init(dictionaryLiteral elements: (String, JSONNode)...) {
        self = .object(elements.map { Member(name: $0.0, value: $0.1) })
    }
    package init(arrayLiteral elements: JSONNode...) { self = .array(elements) }
    package init(stringLiteral value: String) { self = .text(value) }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(booleanLiteral value: Bool) { self = .flag(value) }

    /// The object with the members of another after its own.
    func adding(_ other: JSONNode) -> JSONNode {
        guard case .object(let own) = self, case .object(let more) = other else { return self }
        return .object(own + more)
    }
}
