import ConnectionPair
import MediaStreams
import QUIC
import RTP
import RoQ
import Session
import Testing
import Wire

/// Mode `repair` over RTP over QUIC: datagrams now, streams for what was lost, closing markers behind a talk.
@Suite struct RepairTests {
    final class Switch { var isDown = false }

    private func openWithSwitch(_ configuration: RoQConfiguration = RoQConfiguration()) throws -> (pair: RoQPair, link: Switch) {
        let pair = try RoQPair(client: configuration, server: configuration)
        try pair.open()
        let link = Switch()
        pair.pair.isLost = { isFromClient, _ in isFromClient && link.isDown }
        return (pair, link)
    }

    private func speak(_ pair: RoQPair, _ sequences: Range<UInt16>) throws {
        for sequence in sequences {
            try pair.onClient { client throws(SendRefusal) in try client.send(frame: frame(sequence), delivery: .repaired, now: pair.pair.now) }
            pair.pair.run(for: .milliseconds(20))
        }
    }

    private func commit(_ pair: RoQPair, _ text: String = "commit") throws {
        try pair.onClient { client throws(SendRefusal) in
            try client.send(event: Array(text.utf8))
            client.endTalk(now: pair.pair.now)
        }
    }

    @Test func `without loss nothing is sent twice, and the last marker is soon`() throws {
        let (pair, _) = try openWithSwitch()
        try speak(pair, 0..<20)
        try commit(pair)
        pair.pair.run(for: .seconds(3))
        #expect(pair.serverEvents.frames == (0..<20).map { frame($0) })
        #expect(pair.serverEvents.texts.last == "commit")
        #expect(pair.client.sendCounters.repaired == 0)
        #expect(pair.client.sendCounters.closingMarkers <= 10)
    }

    @Test func `what is lost comes by a stream, and says so`() throws {
        let (pair, link) = try openWithSwitch()
        try speak(pair, 0..<10)
        link.isDown = true
        try speak(pair, 10..<14)
        link.isDown = false
        try speak(pair, 14..<40)
        pair.pair.run(for: .seconds(1))
        let frames = pair.serverEvents.frames
        #expect(frames.map(\.sequence).sorted() == Array(0..<40))
        #expect(frames.filter { $0.recovery == .repair }.map(\.sequence).sorted() == [10, 11, 12, 13])
        #expect(pair.client.sendCounters.repaired == 4)
        #expect(frames.allSatisfy { $0.payload == frame($0.sequence).payload && $0.timestamp == frame($0.sequence).timestamp })
    }

    @Test func `a lost tail and its commit come with the first marker that gets through`() throws {
        let (pair, link) = try openWithSwitch()
        try speak(pair, 0..<10)
        link.isDown = true
        try speak(pair, 10..<15)
        try commit(pair)
        pair.pair.run(for: .milliseconds(90))
        #expect(!pair.serverEvents.texts.contains("commit"))
        link.isDown = false
        let up = pair.pair.now
        pair.pair.run(for: .milliseconds(2_000)) { pair.serverEvents.texts.contains("commit") }
        // Between two markers, and the way.
        #expect(pair.pair.now - up <= .milliseconds(20 + 25 + 1))
        #expect(pair.serverEvents.frames.map(\.sequence) == Array(0..<15))
        #expect(pair.serverEvents.contains(.framesAnnounced(through: 14)))
        // QUIC brings the event once more: it is handed up once.
        pair.pair.run(for: .seconds(5))
        #expect(pair.serverEvents.texts.filter { $0 == "commit" }.count == 1)
        #expect(pair.serverEvents.frames.count == 15)
    }

    @Test func `a tail without a commit comes, too`() throws {
        let (pair, link) = try openWithSwitch()
        try speak(pair, 0..<10)
        link.isDown = true
        try speak(pair, 10..<15)
        link.isDown = false
        pair.pair.run(for: .seconds(2))
        #expect(pair.serverEvents.frames.map(\.sequence).sorted() == Array(0..<15))
    }

    @Test func `an outage longer than all markers loses nothing`() throws {
        let (pair, link) = try openWithSwitch()
        try speak(pair, 0..<10)
        link.isDown = true
        try speak(pair, 10..<60)
        try commit(pair)
        pair.pair.run(for: .seconds(4))
        link.isDown = false
        pair.pair.run(for: .seconds(12)) { pair.serverEvents.frames.count == 60 && pair.serverEvents.texts.contains("commit") }
        #expect(Set(pair.serverEvents.frames.map(\.sequence)) == Set(0..<60))
        #expect(pair.serverEvents.texts.contains("commit"))
        #expect(pair.client.sendCounters.closingMarkers <= ClosingSchedule.markers)
    }

    @Test func `events that copies overtake stay in order, each once`() throws {
        let (pair, _) = try openWithSwitch()
        var random = Xoshiro256(seed: 9)
        pair.pair.isLost = { _, _ in random.nextUnit() < 0.25 }
        for turn in 0..<20 as Range<UInt16> {
            try speak(pair, turn * 5..<turn * 5 + 5)
            try commit(pair, "commit \(turn)")
            try pair.onClient { client throws(SendRefusal) in try client.send(event: Array("answer \(turn)".utf8)) }
            pair.pair.run(for: .milliseconds(100))
        }
        pair.pair.isLost = { _, _ in false }
        pair.pair.run(for: .seconds(10))
        #expect(pair.serverEvents.texts.dropFirst() == (0..<20).flatMap { ["commit \($0)", "answer \($0)"] }[...])
        #expect(Set(pair.serverEvents.frames.map(\.sequence)) == Set(0..<100))
        #expect(pair.serverEvents.frames.count == 100)
    }

    @Test func `the server's talk is repaired alike`() throws {
        let (pair, _) = try openWithSwitch()
        pair.pair.isLost = { _, _ in false }
        var number = 0
        for sequence in 0..<30 as Range<UInt16> {
            try pair.onServer { try $0.send(frame: frame(sequence), delivery: .repaired, now: pair.pair.now) }
            number += 1
            pair.pair.isLost = { isFromClient, _ in !isFromClient && [5, 6, 28, 29, 30].contains(number) }
            pair.pair.run(for: .milliseconds(20))
        }
        try pair.onServer {
            try $0.send(event: Array("stopped".utf8))
            $0.endTalk(now: pair.pair.now)
        }
        pair.pair.run(for: .milliseconds(15))
        pair.pair.isLost = { _, _ in false }
        pair.pair.run(for: .seconds(2))
        #expect(pair.clientEvents.frames.map(\.sequence).sorted() == Array(0..<30))
        #expect(pair.clientEvents.texts.last == "stopped")
    }

    @Test func `a frame too large for a datagram goes by a stream at once`() throws {
        let (pair, _) = try openWithSwitch()
        try pair.onClient { client throws(SendRefusal) in
            try client.send(frame: frame(0, byteCount: 1_900), delivery: .repaired, now: pair.pair.now)
        }
        pair.pair.run(for: .milliseconds(200))
        #expect(pair.serverEvents.frames.map(\.payload.count) == [1_900])
    }

    @Test func `more unacknowledged frames than are kept go by streams, and none is lost`() throws {
        var configuration = RoQConfiguration()
        configuration.limits.streams.repairedFrames = 8
        let (pair, link) = try openWithSwitch(configuration)
        try speak(pair, 0..<5)
        link.isDown = true
        try speak(pair, 5..<45)
        link.isDown = false
        try speak(pair, 45..<60)
        pair.pair.run(for: .seconds(5))
        #expect(Set(pair.serverEvents.frames.map(\.sequence)) == Set(0..<60))
    }
}
