import Lab
import Testing
import Wire

@Suite struct SetUpComputingTests {
    private static func packet(_ sent: Double, _ arrival: Double?, port: UInt16 = 1) -> Transmission {
        func instant(_ milliseconds: Double) -> Instant { .zero + .microseconds(Int64(milliseconds * 1000)) }
        return Transmission(sent: instant(sent), byteCount: 100, fate: arrival.map { .delivered(at: instant($0)) } ?? .dropped(.loss),
            port: port)
    }

    private static func milliseconds(_ up: [Transmission], _ down: [Transmission], from wanted: Double = 0, until opened: Double) -> Double {
        func instant(_ milliseconds: Double) -> Instant { .zero + .microseconds(Int64(milliseconds * 1000)) }
        return SetUpComputing(up: up, down: down).time(in: instant(wanted)..<instant(opened)).milliseconds
    }

    @Test func `what passes between hearing and answering counts, along the way to the opening`() {
        // 0.5 ms to begin, 2 at the server, 1 at the client, 3 at the server, 0.25 to open.
        let up = [Self.packet(0.5, 50), Self.packet(103, 153)]
        let down = [Self.packet(52, 102), Self.packet(156, 206)]
        #expect(Self.milliseconds(up, down, until: 206.25) == 6.75)
    }

    @Test func `what a timer waits does not count, nor what is lost, nor what is beside the way`() {
        // The second packet goes again after 300 ms.
        let up = [Self.packet(0, 50), Self.packet(101, nil), Self.packet(401, 451), Self.packet(402, 452)]
        let down = [Self.packet(50, 100), Self.packet(451.5, 501.5)]
        #expect(Self.milliseconds(up, down, until: 501.5) == 0.5)
    }

    @Test func `of another connection, what the one before it sends meanwhile does not count`() {
        // 1 ms to begin, 3 at the server, 0.5 at the end; frames and their acknowledgements all the while.
        let up = [Self.packet(980, 1030), Self.packet(1001, 1051, port: 2), Self.packet(1020, 1070), Self.packet(1040, 1090)]
        let down = [Self.packet(1030, 1080), Self.packet(1054, 1104, port: 2), Self.packet(1054.2, 1104.2)]
        #expect(Self.milliseconds(up, down, from: 1000, until: 1104.5) == 4.5)
    }

    @Test func `no packets, no computing but the beginning's`() {
        #expect(Self.milliseconds([], [], until: 3) == 3)
        #expect(Self.milliseconds([], [], until: 300) == 0)
    }
}
