/// Why text cannot become a session: it is no SDP (RFC 8866), or SDP that lacks what we need. Carries nothing of the peer's
/// text, so it can be told to anyone.
package struct SDPRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// Stable words for programs.
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// A line is not what stands there in SDP.
        case invalid = "invalid_sdp"
        case tooLarge = "sdp_too_large"
        /// Neither an audio nor a data section that is not rejected.
        case noMedia = "sdp_without_media"
        case unsupportedProtocol = "sdp_unsupported_protocol"
        case noOpus = "sdp_without_opus"
        case noBundle = "sdp_without_bundle"
        case noRTCPMux = "sdp_without_rtcp_mux"
        case noICE = "sdp_without_ice"
        case noFingerprint = "sdp_without_fingerprint"
        /// Keys in the signalling (RFC 4568) instead of DTLS.
        case sdesKeys = "sdp_with_sdes_keys"
        case setupConflict = "sdp_setup_conflict"
        /// An answer where an offer belongs, or one that does not answer the offer.
        case mismatch = "sdp_mismatch"
    }

    package var code: Code
    /// Which line, the first being 1; `nil` where it is the whole.
    package var line: Int?
    /// What would have been taken.
    package var expected: String

    /// For people.
    package var message: String { line.map { "line \($0): expected \(expected)" } ?? "expected \(expected)" }
    package var description: String { "\(code.rawValue): \(message)" }

    init(_ code: Code, line: Int? = nil, expected: String) {
        self.code = code
        self.line = line
        self.expected = expected
    }

    /// A line that is not SDP.
    init(line: Int, expected: String) {
        self.init(.invalid, line: line == 0 ? nil : line, expected: expected)
    }
}

/// What a description may not exceed.
package enum SDPLimits {
    package static let byteCount = 65_536
    package static let lineByteCount = 4_096
    package static let lineCount = 2_048
    package static let mediaSectionCount = 32
    /// Candidates of one description; further ones are left out, not refused: a peer with many networks is no attacker.
    package static let candidateCount = 64
    package static let fingerprintCount = 8
    /// Bytes of an SCTP INIT in `a=sctp-init`.
    package static let sctpInitByteCount = 2_048
}
