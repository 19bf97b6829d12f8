package import Wire

/// What authenticates one side's checks (RFC 8445 section 5.3): the username fragment and the password.
package struct ICECredentials: Hashable, Sendable {
    package var ufrag: String
    package var password: String

    package init(ufrag: String, password: String) {
        self.ufrag = ufrag
        self.password = password
    }

    /// Random credentials for a side that nobody routes to: a client.
    package init(entropy: inout Entropy) {
        self.init(
            ufrag: ICECharacters.random(UfragLayout.nonceCharacterCount, entropy: &entropy),
            password: ICECharacters.random(UfragLayout.passwordCharacterCount, entropy: &entropy))
    }
}

/// Lays out the server's ufrags as its QUIC connection IDs are, so that a relay without state can route a first check:
///
///     first character:      configuration (0 to 6, as `A` to `G`)
///     next 4 characters:    server number (2 bytes) and shard (1 byte), 6 bits a character, most significant first
///     last 8 characters:    random
///
/// The place is in clear; a peer learns from it which server serves it, and nothing of others.
package struct UfragLayout: Hashable, Sendable {
    static let placeCharacterCount = 4
    /// 48 bits: two sessions of one shard do not meet.
    static let nonceCharacterCount = 8
    /// Every ufrag of this server has this length; RFC 8839 section 5.4 allows 4 to 256.
    package static let characterCount = 1 + placeCharacterCount + nonceCharacterCount
    /// 144 bits; RFC 8445 section 5.3 asks for 128.
    static let passwordCharacterCount = 24

    /// The configuration's codepoint, which lets a cluster change its layout while sessions live.
    package let configuration: UInt8

    /// - Precondition: `configuration` is 0 to 6, as for connection IDs.
    package init(configuration: UInt8 = 0) {
        precondition(configuration < 7, "configuration codepoints go from 0 to 6")
        self.configuration = configuration
    }

    /// Fresh credentials of a session at `place`.
    package func make(at place: ServerPlace, entropy: inout Entropy) -> ICECredentials {
        let routed = UInt32(place.server) << 8 | UInt32(place.shard)
        let ufrag = ICECharacters.encode(UInt32(configuration), count: 1)
            + ICECharacters.encode(routed, count: Self.placeCharacterCount)
            + ICECharacters.random(Self.nonceCharacterCount, entropy: &entropy)
        return ICECredentials(ufrag: ufrag, password: ICECharacters.random(Self.passwordCharacterCount, entropy: &entropy))
    }

    /// The place that `ufrag` was made for; `nil` when it is none of this layout's.
    package func place(ofUfrag ufrag: String) -> ServerPlace? {
        let characters = Array(ufrag.utf8)
        guard characters.count == Self.characterCount,
            ICECharacters.decode(characters[..<1]) == UInt32(configuration),
            let routed = ICECharacters.decode(characters[1...Self.placeCharacterCount])
        else { return nil }
        return ServerPlace(
            server: UInt16(truncatingIfNeeded: routed >> 8), shard: UInt8(truncatingIfNeeded: routed))
    }

    /// The place that a check is meant for, read from its USERNAME without any session's state.
    package func place(ofCheck datagram: Span<UInt8>) -> ServerPlace? {
        guard let message = try? STUNMessage(parsing: datagram), let ufrag = message.receiverUfrag else { return nil }
        return place(ofUfrag: ufrag)
    }
}

extension STUNMessage {
    /// The ufrag of the agent that this check is for: what stands before the colon of USERNAME (RFC 8445 section 7.2.2).
    /// An endpoint finds a session by it when it does not know the address; nothing is proved by it.
    package var receiverUfrag: String? {
        guard let username = attributes.username, let colon = username.firstIndex(of: ":") else { return nil }
        return String(username[..<colon])
    }
}

/// The alphabet of ufrags and passwords: ice-char (RFC 8839 section 5.4), with base64's values.
enum ICECharacters {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func random(_ count: Int, entropy: inout Entropy) -> String {
        String(decoding: entropy.bytes(count).map { alphabet[Int($0 & 63)] }, as: UTF8.self)
    }

    /// The low `count` × 6 bits of `value`, most significant first.
    static func encode(_ value: UInt32, count: Int) -> String {
        let characters = (0..<count).reversed().map { alphabet[Int(value >> UInt32($0 * 6) & 63)] }
        return String(decoding: characters, as: UTF8.self)
    }

    /// What `encode` wrote; `nil` when a character is none of the alphabet. At most five characters.
    static func decode(_ characters: ArraySlice<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        for character in characters {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            value = value << 6 | UInt32(truncatingIfNeeded: digit)
        }
        return value
    }
}
