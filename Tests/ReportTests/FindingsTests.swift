import Lab
import Report
import Testing

/// What the report says in words of rows made by hand.
@Suite struct FindingsTests {
    private static let space = "\u{A0}"

    private static func words(_ rows: [TrialRow], about profile: String) -> String {
        let found = Rows.report(rows).profileSummaries.first { $0.profile == profile }
        return (found?.sentences ?? []).joined(separator: " ").replacing(space, with: " ")
    }

    private static func summary(_ rows: [TrialRow]) -> [String] {
        Rows.report(rows).summary.map { $0.replacing(space, with: " ") }
    }

    @Test func `what intervals tell apart is said, with who kept most and who fewest`() {
        let words = Self.words(Rows.usual, about: "burst-10")
        #expect(words.contains("Most prompts were kept whole by stream over every transport: 100 % (not separated)."))
        #expect(words.contains("Fewest by datagram over every transport: 9 % (not separated)."))
        #expect(words.contains("decided the prompt 53 ms after the commit in the median"))
        #expect(words.contains("datagram took 253 ms"))
        #expect(words.contains("sooner: all medians are separated"))
        #expect(words.contains("slowest frame in a hundred took 403 ms"))
        #expect(words.contains("3.5 bytes for each byte of Opus, datagram 3.0 bytes"))
    }

    @Test func `overlapping intervals are called not separated, and nobody is named the best`() {
        let rows = Rows.cell("roq", "datagram", whole: 50) + Rows.cell("roq", "red", whole: 60)
        let words = Self.words(rows, about: "burst-10")
        #expect(words.contains("Integrity is not separated: every mode over RoQ kept 50–60 % of the prompts whole, with overlapping intervals."))
        #expect(!words.contains("Most prompts"))
        #expect(Self.summary(rows)[0].hasPrefix("On no network do the intervals tell two transports or modes apart"))
        #expect(Self.words(Rows.usual, about: "clean").hasPrefix("Every transport and mode kept every prompt whole"))
        let nothing = Rows.cell("roq", "datagram", whole: 0) + Rows.cell("roq", "red", whole: 0)
        #expect(Self.words(nothing, about: "burst-10").hasPrefix("No transport and mode kept a single prompt whole"))
    }

    /// The same shares as above, from ten times as many trials.
    @Test func `more trials separate what fewer did not`() {
        let rows = Rows.cell("roq", "datagram", trials: 1000, whole: 500) + Rows.cell("roq", "red", trials: 1000, whole: 600)
        #expect(Self.words(rows, about: "burst-10").contains("Most prompts were kept whole by red over RoQ: 60 %. Fewest by datagram over RoQ: 50 %."))
    }

    @Test func `of those that keep all, who waits long in the slowest trials is told apart`() {
        var slow = Rows.cell("webrtc", "stream", whole: 100)
        for index in slow.indices where slow[index].trial % 10 == 0 { slow[index].commitWaitMilliseconds = 900 }
        let rows = Rows.cell("roq", "datagram", whole: 5) + Rows.cell("roq", "stream", whole: 100) + slow
        let words = Self.words(rows, about: "burst-10")
        #expect(words.contains("In the slowest of twenty trials the wait was shortest with stream over RoQ: 56 ms; "
            + "it was longer, and separated, with stream over WebRTC: 900 ms."))
        // A frame's time is no wait to speak of.
        #expect(!Self.words(Rows.usual, about: "burst-10").contains("slowest of twenty trials the wait was shortest"))
    }

    @Test func `the cells between the best and the last are named`() {
        let rows = Rows.cell("roq", "datagram", whole: 5) + Rows.cell("roq", "red", whole: 50) + Rows.cell("roq", "stream", whole: 100)
        #expect(Self.words(rows, about: "burst-10").contains("Between them: red over RoQ, 50 %."))
    }

    @Test func `the summary names who is never beaten, the least, and the price in pairs`() {
        let summary = Self.summary(Rows.usual)
        #expect(summary[0] == "On all 2 networks, stream over every transport kept as many prompts whole as any other or more: "
            + "100 % [98–100]; the least, datagram over RoQ, 54.5 % [48–61].")
        #expect(summary[1] == "Compared with datagram over the same transport and network, they decided the prompt 200 ms sooner in 2 of 2 "
            + "comparisons (medians of paired differences).")
        #expect(summary[2].contains("their slowest frame in a hundred came 340 ms later in 2 of 2"))
        #expect(summary[3] == "Live frames, compared with datagram in the same way: with stream fewer in 0 and more in 2 of 2 (means of paired differences).")
        #expect(summary[4].contains("for each byte of Opus they sent 0.5 bytes more in 2 of 2"))
        #expect(summary[5] == "On no network does the same mode keep more prompts whole over one transport than over another: none is separated.")
        #expect(summary[6].contains("RoQ 100 ms (1 round trip) and WebRTC 400 ms (4 round trips)"))
    }

    @Test func `one transport ahead in the same mode is told with its figures`() {
        let rows = Rows.cell("roq", "red", whole: 60) + Rows.cell("webrtc", "red", whole: 100) + Rows.cell("roq", "datagram", whole: 5)
        let text = Self.summary(rows).joined(separator: " ")
        #expect(text.contains("The same mode kept more prompts whole over one transport than over another for red on burst-10 (WebRTC 100, RoQ 60 %)"))
    }

    @Test func `a single cell and trials that came to nothing are no trap`() {
        let one = Rows.cell("roq", "stream", trials: 1, whole: 1)
        #expect(Self.words(one, about: "burst-10").contains("nothing to compare it with"))
        var failed = TrialRow()
        (failed.transport, failed.mode, failed.profile, failed.clip, failed.end) = ("roq", "nack", "burst-10", "a", "not open in time")
        let words = Self.words(one + [failed], about: "burst-10")
        #expect(words.contains("Integrity is not separated"))
    }
}
