/// The SHA-256 hash of a certificate as people and programs write it.
package enum CertificateHash {
    /// 64 hexadecimal digits, in pairs with or without colons between them; `nil` where `text` is anything else.
    package static func parse(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text {
            if character == ":" {
                guard high == nil, !bytes.isEmpty else { return nil }
                continue
            }
            guard character.isASCII, let digit = character.hexDigitValue.map({ UInt8($0) }) else { return nil }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil && bytes.count == 32 ? bytes : nil
    }

    /// Lower-case hexadecimal without colons.
    package static func format(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
