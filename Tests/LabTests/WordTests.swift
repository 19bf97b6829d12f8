@testable import Lab
import Testing

@Suite struct WordTests {
    @Test(arguments: [
        ("Mr. John Dashwood had then leisure,", "mister john dashwood had then leisure"),
        ("\u{201C}It\u{2019}s 'fine'!\u{201D}", "it's fine"),
        ("a cold-hearted — well, \"selfish\" man", "a cold hearted well selfish man"),
        ("Call 1,000 or 3.5% & more", "call 1000 or 3 point 5 percent and more"),
        ("twenty-one", "21"), ("one hundred and five", "105"), ("one hundred five", "105"),
        ("two thousand and twenty six", "2026"), ("nineteen eighty", "19 80"), ("one two three", "1 2 3"),
        ("three million two hundred thousand and seven", "3200007"), ("five and six", "5 and 6"),
        ("twenty twenty", "20 20"), ("zero five", "0 5"), ("a hundred", "a hundred"), ("thousand", "thousand"),
        ("nine hundred ninety nine thousand nine hundred ninety nine", "999999"), ("sixty ten", "60 10"),
        ("one thousand two thousand", "1002 thousand"), ("two hundred and", "200 and"), ("", ""), ("...", ""),
    ])
    func `what is written in several ways becomes one`(text: String, expected: String) {
        #expect(SpokenText(text).description == expected)
    }

    @Test func `normalised words stay what they are`() {
        for text in ["Mr. Smith's 21st call, at 10.30", "one hundred and five per cent"] {
            let once = SpokenText(text)
            #expect(SpokenText(once.description) == once)
        }
    }

    @Test(arguments: [
        ("the cat sat on the mat", "the cat sat on the mat", 0, 0, 0),
        ("the cat sat on the mat", "the cat sat the mat", 0, 1, 0),
        ("the cat sat on the mat", "the bat sat on the mat today", 1, 0, 1),
        ("the cat sat on the mat", "", 0, 6, 0),
        ("", "hallo there", 0, 0, 2),
        ("a b c d", "b c d e", 0, 1, 1),
        ("kitten sitting", "sitting kitten", 2, 0, 0),
        ("one two three four", "one three four", 0, 1, 0),
    ])
    func `words are aligned at the least cost`(said: String, heard: String, substitutions: Int, deletions: Int, insertions: Int) {
        let alignment = WordAlignment(said: SpokenText(said), heard: SpokenText(heard))
        #expect(alignment.substitutions == substitutions)
        #expect(alignment.deletions == deletions)
        #expect(alignment.insertions == insertions)
        #expect(alignment.wordCount == SpokenText(said).words.count)
    }

    @Test func `numbers that are not heard so are counted`() {
        func wrong(_ said: String, _ heard: String) -> Int {
            WordAlignment(said: SpokenText(said), heard: SpokenText(heard)).numbersWrong
        }
        #expect(wrong("room one hundred and five", "room 105") == 0)
        #expect(wrong("room one hundred and five", "room 104") == 1)
        #expect(wrong("call one two three", "call one three") == 1)
        #expect(wrong("call me", "call 5 me") == 1)
        #expect(wrong("call five", "call for") == 1)
        #expect(wrong("the cat", "a bat") == 0)
    }

    @Test func `an alignment's cost is the distance, found by another way`() {
        var source = Xoshiro(state: 7)
        for _ in 0..<200 {
            let said = source.words(), heard = source.words()
            let alignment = WordAlignment(said: SpokenText(words: said), heard: SpokenText(words: heard))
            #expect(alignment.errors == Self.distance(said[...], heard[...]))
            #expect(alignment.wordCount - alignment.deletions + alignment.insertions == heard.count)
        }
    }

    /// The distance by its definition, without a table.
    private static func distance(_ left: ArraySlice<String>, _ right: ArraySlice<String>) -> Int {
        guard let first = left.first else { return right.count }
        guard let other = right.first else { return left.count }
        if first == other { return distance(left.dropFirst(), right.dropFirst()) }
        return 1 + min(
            distance(left.dropFirst(), right.dropFirst()), distance(left.dropFirst(), right), distance(left, right.dropFirst()))
    }

    private struct Xoshiro {
        var state: UInt64
        mutating func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        mutating func words() -> [String] { (0..<next() % 7).map { _ in ["a", "b", "c"][next() % 3] } }
    }
}
