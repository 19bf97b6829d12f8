/// What is wrong with a file of profiles. `description` is one line: where, what, and what was expected.
package struct ProfileFormError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The member, as in `profiles[2].up.loss.percent`; empty for the file itself.
    var path = ""
    var problem: String
    /// Where in the file, in bytes.
    var offset: Int?
    var place: TextPlace?

    package var description: String {
        let head = [place?.description, path.isEmpty ? nil : path].compactMap { $0 }.joined(separator: ", ")
        return head.isEmpty ? problem : "\(head): \(problem)"
    }
}

/// An object of a form: its members are taken by name, and what nobody took is an error.
struct FormObject {
    private let path: String
    private let offset: Int
    private var members: [JSONText.Member]
    private var known: [String] = []

    init(_ text: JSONText, path: String) throws(ProfileFormError) {
        guard case .object(let members) = text.value else {
            throw ProfileFormError(path: path, problem: "expected an object in braces", offset: text.offset)
        }
        self.path = path
        self.members = members
        offset = text.offset
    }

    func path(of name: String) -> String { path.isEmpty || name.isEmpty ? path + name : "\(path).\(name)" }

    func failure(_ name: String, _ problem: String, at place: Int? = nil) -> ProfileFormError {
        ProfileFormError(path: path(of: name), problem: problem, offset: place ?? offset)
    }

    mutating func take(_ name: String) -> JSONText? {
        known.append(name)
        guard let index = members.firstIndex(where: { $0.name == name }) else { return nil }
        return members.remove(at: index).value
    }

    mutating func required(_ name: String) throws(ProfileFormError) -> JSONText {
        guard let value = take(name) else { throw failure(name, "is missing") }
        return value
    }

    /// A number within a range, both ends included.
    mutating func number(_ name: String, in range: ClosedRange<Double>) throws(ProfileFormError) -> Double? {
        guard let text = take(name) else { return nil }
        let expected = "a number from \(Self.text(range.lowerBound)) to \(Self.text(range.upperBound))"
        guard let number = text.value.asNumber else { throw failure(name, "expected \(expected)", at: text.offset) }
        guard range.contains(number) else { throw failure(name, "\(Self.text(number)) is out of range; expected \(expected)", at: text.offset) }
        return number
    }

    mutating func requiredNumber(_ name: String, in range: ClosedRange<Double>) throws(ProfileFormError) -> Double {
        guard let number = try number(name, in: range) else { throw failure(name, "is missing") }
        return number
    }

    /// A length of time in milliseconds.
    mutating func time(_ name: String, from least: Double = 0) throws(ProfileFormError) -> Duration {
        .nanoseconds(Int64((try requiredNumber(name, in: least...ProfileLimits.timeMilliseconds) * 1_000_000).rounded()))
    }

    mutating func text(_ name: String, limit: Int) throws(ProfileFormError) -> (text: String, offset: Int)? {
        guard let value = take(name) else { return nil }
        guard case .text(let text) = value.value else { throw failure(name, "expected text in quotes", at: value.offset) }
        guard text.utf8.count <= limit else { throw failure(name, "is longer than \(limit) bytes", at: value.offset) }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw failure(name, "holds control characters", at: value.offset)
        }
        return (text, value.offset)
    }

    mutating func flag(_ name: String) throws(ProfileFormError) -> Bool? {
        guard let value = take(name) else { return nil }
        guard case .flag(let flag) = value.value else { throw failure(name, "expected true or false", at: value.offset) }
        return flag
    }

    /// - Throws: for a member that is left over: a misspelt name must not pass for a network without that trouble.
    func finish() throws(ProfileFormError) {
        guard let member = members.first else { return }
        throw failure(
            member.name, "there is no such member; expected \(known.joined(separator: ", "))", at: member.value.offset)
    }

    private static func text(_ number: Double) -> String {
        guard let whole = Int(exactly: number) else { return "\(number)" }
        return String(whole)
    }
}
