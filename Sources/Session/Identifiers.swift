internal import Wire

/// Makes a session's identifiers from its seed. They are 15 characters, which Swift keeps without an allocation.
struct Identifiers: Sendable {
    private var entropy: SplitMix64

    init(seed: UInt64) { entropy = SplitMix64(state: seed) }

    enum Prefix: String { case event = "event_", item = "item_", response = "resp_", conversation = "conv_" }

    mutating func next(_ prefix: Prefix) -> String {
        var word = entropy.next()
        var text = prefix.rawValue
        for _ in text.utf8.count..<15 {
            text.unicodeScalars.append(Self.alphabet[Int(word % 62)])
            word /= 62
        }
        return text
    }

    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".unicodeScalars)
}
