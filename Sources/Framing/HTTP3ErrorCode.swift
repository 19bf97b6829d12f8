package import Wire

/// An HTTP/3 error code as it travels; peers send unknown ones, so it is a number with names.
package struct HTTP3ErrorCode: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// RFC 9114 section 8.1.
extension HTTP3ErrorCode {
    package static let noError = Self(rawValue: 0x100)
    package static let generalProtocolError = Self(rawValue: 0x101)
    package static let internalError = Self(rawValue: 0x102)
    package static let streamCreationError = Self(rawValue: 0x103)
    package static let closedCriticalStream = Self(rawValue: 0x104)
    package static let frameUnexpected = Self(rawValue: 0x105)
    package static let frameError = Self(rawValue: 0x106)
    package static let excessiveLoad = Self(rawValue: 0x107)
    package static let idError = Self(rawValue: 0x108)
    package static let settingsError = Self(rawValue: 0x109)
    package static let missingSettings = Self(rawValue: 0x10A)
    package static let requestRejected = Self(rawValue: 0x10B)
    package static let requestCancelled = Self(rawValue: 0x10C)
    package static let requestIncomplete = Self(rawValue: 0x10D)
    package static let messageError = Self(rawValue: 0x10E)
    package static let connectError = Self(rawValue: 0x10F)
    package static let versionFallback = Self(rawValue: 0x110)
}

/// RFC 9204 section 6 and RFC 9297 section 5.2.
extension HTTP3ErrorCode {
    package static let qpackDecompressionFailed = Self(rawValue: 0x200)
    package static let qpackEncoderStreamError = Self(rawValue: 0x201)
    package static let qpackDecoderStreamError = Self(rawValue: 0x202)
    package static let datagramError = Self(rawValue: 0x33)
}

/// draft-ietf-webtrans-http3-16 section 9.5.
extension HTTP3ErrorCode {
    package static let bufferedStreamRejected = Self(rawValue: 0x3994_BD84)
    package static let sessionGone = Self(rawValue: 0x170D_7B68)
    package static let flowControlError = Self(rawValue: 0x045D_4487)
    package static let alpnError = Self(rawValue: 0x0817_B3DD)
    package static let requirementsNotMet = Self(rawValue: 0x212C_0D48)
}

/// What a peer did wrong in HTTP/3, and the code that says so on the wire.
package struct HTTP3Error: Error, Hashable, Sendable {
    package var code: HTTP3ErrorCode
    package var reason: StaticReason

    package init(_ code: HTTP3ErrorCode, _ reason: StaticReason) {
        self.code = code
        self.reason = reason
    }
}

/// WebTransport's 32-bit application error codes inside HTTP/3's code space
/// (draft-ietf-webtrans-http3-16 section 4.4).
package enum WebTransportErrorCode {
    private static let first: UInt64 = 0x52E4_A40F_A8DB
    private static let last: UInt64 = 0x52E5_AC98_3162

    /// The HTTP/3 code that carries `application`. Codes of the form 31·n + 0x21 are skipped: they are GREASE.
    package static func http3(_ application: UInt32) -> HTTP3ErrorCode {
        let number = UInt64(application)
        return HTTP3ErrorCode(rawValue: first + number + number / 30)
    }

    /// The application code that `code` carries, or `nil` when it carries none: outside the range, or GREASE inside it.
    package static func application(_ code: HTTP3ErrorCode) -> UInt32? {
        guard (first...last).contains(code.rawValue), (code.rawValue - 0x21) % 31 != 0 else { return nil }
        let shifted = code.rawValue - first
        return UInt32(exactly: shifted - shifted / 31)
    }
}
