/// What a client needs to make an offer.
package struct WebRTCClientConfiguration: Sendable {
    package init() {}
}

/// Why an offer or an answer is no use.
package struct WebRTCRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable, for programs.
    package var code: String
    package var description: String

    package init(code: String, description: String) {
        self.code = code
        self.description = description
    }
}
