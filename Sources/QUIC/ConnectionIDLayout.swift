package import Wire

/// Lays out the server's connection IDs as draft-ietf-quic-load-balancers-21 section 5 does, so that server and
/// shard can be read from any packet without the connection's state:
///
///     first octet: configuration (3 bits), length of the rest (5 bits)
///     server ID:   server number (2 bytes), shard (1 byte)
///     nonce:       8 bytes
///
/// With a key, server ID and nonce are encrypted together by the draft's four-pass algorithm (section 5.4.2), and an
/// observer can link neither server nor connection.
package struct ConnectionIDLayout: Sendable {
    package static let serverIDByteCount = 3
    package static let nonceByteCount = 8
    /// Every connection ID of this server has this length.
    package static let byteCount = 1 + serverIDByteCount + nonceByteCount

    /// The configuration's codepoint, 0 to 6; 7 marks IDs that cannot be routed (section 3.1).
    package let configuration: UInt8
    private let cipher: FourPassCipher?

    /// - Parameter key: 16 bytes shared with the load balancers; without one the IDs are in clear.
    /// - Precondition: `configuration` is 0 to 6 and the key has 16 bytes.
    package init(configuration: UInt8 = 0, key: [UInt8]? = nil) {
        precondition(configuration < 7, "configuration codepoints go from 0 to 6")
        self.configuration = configuration
        cipher = key.map { FourPassCipher(key: $0) }
    }

    /// A fresh connection ID for a connection at `place`. 64 random bits make a repeated nonce as unlikely as the
    /// clear-text layout needs (section 5.2: it must look random).
    package func make(at place: ServerPlace, entropy: inout Entropy) -> ConnectionID {
        var routed: [UInt8] = [UInt8(truncatingIfNeeded: place.server >> 8), UInt8(truncatingIfNeeded: place.server), place.shard]
        routed += entropy.bytes(Self.nonceByteCount)
        return encode(routed)
    }

    /// The place that `id` was made for; `nil` when it is none of this layout's.
    package func place(of id: ConnectionID) -> ServerPlace? {
        let bytes = id.bytes
        guard bytes.count == Self.byteCount, bytes[0] == firstOctet(restByteCount: Self.byteCount - 1) else { return nil }
        let rest = Array(bytes[1...])
        let routed = cipher?.decrypt(rest) ?? rest
        return ServerPlace(server: UInt16(routed[0]) << 8 | UInt16(routed[1]), shard: routed[2])
    }

    private func encode(_ routed: [UInt8]) -> ConnectionID {
        let rest = cipher?.encrypt(routed) ?? routed
        guard let id = ConnectionID([firstOctet(restByteCount: rest.count)] + rest) else {
            preconditionFailure("the layout's IDs have \(Self.byteCount) bytes")
        }
        return id
    }

    /// Section 3: three bits of configuration, then the length of what follows.
    private func firstOctet(restByteCount: Int) -> UInt8 { configuration << 5 | UInt8(restByteCount) }
}

/// The four-pass encryption of draft-ietf-quic-load-balancers-21 section 5.4.2: a Feistel network whose round
/// function is one AES-128-ECB block.
struct FourPassCipher: Sendable {
    private let key: [UInt8]

    init(key: [UInt8]) {
        precondition(key.count == 16, "a QUIC-LB key has 16 bytes")
        self.key = key
    }

    func encrypt(_ plain: [UInt8]) -> [UInt8] {
        if plain.count == 16 { return AES128.encryptBlock(plain, key: key) }
        return passes([1, 2, 3, 4], over: plain)
    }

    func decrypt(_ cipher: [UInt8]) -> [UInt8] {
        if cipher.count == 16 { return AES128.decryptBlock(cipher, key: key) }
        return passes([4, 3, 2, 1], over: cipher)
    }

    /// Odd rounds change the right half from the left, even rounds the left from the right; so the same rounds
    /// backwards undo them.
    private func passes(_ rounds: [UInt8], over bytes: [UInt8]) -> [UInt8] {
        let half = (bytes.count + 1) / 2
        let isOdd = bytes.count % 2 == 1
        var left = Array(bytes[..<half])
        var right = Array(bytes[(bytes.count - half)...])
        if isOdd {
            // The middle byte is split: its high nibble belongs to the left, its low nibble to the right.
            left[half - 1] &= 0xF0
            right[0] &= 0x0F
        }
        for round in rounds {
            if round % 2 == 1 {
                mix(&right, with: left, round: round, totalByteCount: bytes.count)
                if isOdd { right[0] &= 0x0F }
            } else {
                mix(&left, with: right, round: round, totalByteCount: bytes.count)
                if isOdd { left[half - 1] &= 0xF0 }
            }
        }
        guard isOdd else { return left + right }
        return left[..<(half - 1)] + [left[half - 1] | right[0]] + right[1...]
    }

    private func mix(_ target: inout [UInt8], with source: [UInt8], round: UInt8, totalByteCount: Int) {
        var block = source + [UInt8](repeating: 0, count: 16 - source.count)
        block[14] = UInt8(totalByteCount)
        block[15] = round
        let mask = AES128.encryptBlock(block, key: key)
        for index in target.indices { target[index] ^= mask[index] }
    }
}
