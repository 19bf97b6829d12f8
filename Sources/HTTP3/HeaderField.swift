/// One field line of a message (RFC 9110 section 5), or a pseudo-header field when its name begins with a colon.
package struct HeaderField: Hashable, Sendable {
    /// In lower case, as HTTP/3 requires (RFC 9114 section 4.2).
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension [HeaderField] {
    /// The value of the first field of this name.
    package func first(_ name: String) -> String? { first { $0.name == name }?.value }
}
