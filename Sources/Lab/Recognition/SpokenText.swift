/// A text as words that can be compared: what is written in several ways becomes one (docs/words.md).
///
/// Lower case; punctuation goes, but for an apostrophe within a word; `Mr.` is `mister`; English numbers in words become
/// digits. Both sides of every comparison go through here.
package struct SpokenText: Hashable, Sendable {
    package let words: [String]

    package init(_ text: String) { words = Self.withDigits(Self.plainWords(of: text)) }

    package init(words: [String]) { self.words = words }

    /// Whether a word of it is a number.
    package static func isNumber(_ word: String) -> Bool {
        !word.isEmpty && word.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    package var description: String { words.joined(separator: " ") }

    private static let spelledOut = [
        "mr": "mister", "mrs": "missus", "dr": "doctor", "%": "percent", "&": "and",
    ]

    private static func plainWords(of text: String) -> [String] {
        let characters = Array(text.lowercased().replacing("\u{2019}", with: "'"))
        var plain = ""
        for (index, character) in characters.enumerated() {
            let before = index > 0 ? characters[index - 1] : " "
            let after = index + 1 < characters.count ? characters[index + 1] : " "
            let isWithinNumber = before.isWholeNumber && after.isWholeNumber
            switch character {
            case _ where character.isLetter || character.isWholeNumber: plain.append(character)
            case "'" where before.isLetter && after.isLetter: plain.append(character)
            case "," where isWithinNumber: break
            case "." where isWithinNumber: plain += " point "
            case "%", "&": plain += " \(character) "
            default: plain += " "
            }
        }
        return plain.split(separator: " ").map { spelledOut[String($0)] ?? String($0) }
    }

    private static func withDigits(_ words: [String]) -> [String] {
        var result: [String] = []
        var rest = words[...]
        while let word = rest.first {
            if let number = SpokenNumber(takingFrom: &rest) {
                result.append(String(number.value))
            } else {
                result.append(word)
                rest.removeFirst()
            }
        }
        return result
    }
}

/// A number in English words: `twenty one`, `one hundred and five`, `two thousand`. Words that make no number together are
/// numbers of their own: `one two three`, `nineteen eighty`.
private struct SpokenNumber {
    private(set) var value: Int

    private static let units = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
        "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    ]
    private static let tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
    private static let scales = ["thousand": 1_000, "million": 1_000_000]

    /// Takes the longest number from the beginning of `words`; takes nothing and is `nil` where they begin with none.
    init?(takingFrom words: inout ArraySlice<String>) {
        guard let first = words.first.flatMap(Self.small) else { return nil }
        words.removeFirst()
        // `group` is below a thousand; `total` holds what thousands and millions have closed.
        var (total, group, lastScale) = (0, first, Int.max)
        while let word = words.first {
            if let next = Self.small(word), Self.fits(next, after: group, total: total) {
                group += next
            } else if word == "hundred", (1...9).contains(group) {
                group *= 100
            } else if let scale = Self.scales[word], group > 0, scale < lastScale {
                (total, group, lastScale) = (total + group * scale, 0, scale)
            } else if word == "and", group % 100 == 0, group + total > 0,
                let next = words.dropFirst().first.flatMap(Self.small), next > 0 {
                words.removeFirst()
                group += next
            } else {
                break
            }
            words.removeFirst()
        }
        value = total + group
    }

    /// 0 to 19, and 20, 30 … 90.
    private static func small(_ word: String) -> Int? {
        if let unit = units.firstIndex(of: word) { return unit }
        return tens.firstIndex(of: word).map { ($0 + 2) * 10 }
    }

    /// Whether a small number goes on with what is there: ones after tens, anything after hundreds and thousands.
    private static func fits(_ next: Int, after group: Int, total: Int) -> Bool {
        guard next > 0 else { return false }
        if group % 100 == 0 { return group + total > 0 }
        return next < 10 && group % 10 == 0 && group % 100 >= 20
    }
}
