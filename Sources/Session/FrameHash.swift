internal import Crypto
internal import Wire

/// The hash of a prompt: SHA-256 over its frames' payloads in order, each preceded by its length as a
/// 32-bit big-endian integer. Client and server compute it alike.
package struct FrameHash: Sendable {
    private var sha256 = SHA256()
    /// Frames are gathered and hashed in larger pieces: one call a frame costs more than its bytes.
    private var gathered: [UInt8] = []
    private static let pieceByteCount = 8_192

    package init() {}

    package mutating func update(_ payload: [UInt8]) {
        gathered.append(bigEndian: UInt32(truncatingIfNeeded: payload.count))
        gathered.append(contentsOf: payload)
        if gathered.count >= Self.pieceByteCount { flush() }
    }

    /// The hash of all frames so far, in lower-case hexadecimal.
    package mutating func hexadecimal() -> String {
        flush()
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in sha256.finalize() {
            text.append(Self.digits[Int(byte >> 4)])
            text.append(Self.digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func flush() {
        guard !gathered.isEmpty else { return }
        sha256.update(data: gathered)
        gathered.removeAll(keepingCapacity: true)
    }

    private static let digits: [UInt8] = Array("0123456789abcdef".utf8)

    /// `text` in lower case where it is a SHA-256 in hexadecimal, else `nil`.
    static func normalized(_ text: String) -> String? {
        guard text.utf8.count == 64 else { return nil }
        let isHexadecimal = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
        }
        return isHexadecimal ? text.lowercased() : nil
    }
}
