/// How SRTP protects packets: the protection profiles of DTLS-SRTP (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
///
/// The raw value is the number on the wire. It stands here, below DTLS and SRTP, because one engine agrees on it and the
/// other uses it, and neither imports the other.
package enum SRTPProfile: UInt16, CaseIterable, Hashable, Sendable {
    case aes128CMSHA1_80 = 0x0001
    case aeadAES128GCM = 0x0007
    case aeadAES256GCM = 0x0008

    package var masterKeyByteCount: Int {
        switch self {
        case .aes128CMSHA1_80, .aeadAES128GCM: 16
        case .aeadAES256GCM: 32
        }
    }

    package var masterSaltByteCount: Int {
        switch self {
        case .aes128CMSHA1_80: 14
        case .aeadAES128GCM, .aeadAES256GCM: 12
        }
    }

    /// How much longer a packet gets by the authentication tag.
    package var tagByteCount: Int {
        switch self {
        case .aes128CMSHA1_80: 10
        case .aeadAES128GCM, .aeadAES256GCM: 16
        }
    }
}

/// What both ends of a DTLS handshake derived for SRTP (RFC 5764 section 4.2).
package struct SRTPKeys: Hashable, Sendable {
    package var profile: SRTPProfile
    /// Master key, then master salt: what we protect with.
    package var local: [UInt8]
    /// Master key, then master salt: what the peer protects with.
    package var remote: [UInt8]

    package init(profile: SRTPProfile, local: [UInt8], remote: [UInt8]) {
        self.profile = profile
        self.local = local
        self.remote = remote
    }
}
