import Lab
import Testing
import Wire

@Suite struct SetUpComputingTests {
    private static func packet(_ sent: Double, _ arrival: Double?) -> Transmission {
        func instant(_ milliseconds: Double) -> Instant { .zero + .microseconds(Int64(milliseconds * 1000)) }
        return Transmission(sent: instant(sent), byteCount: 100, fate: arrival.map { .delivered(at: instant($0)) } ?? .dropped(.loss))
    }

    private static func milliseconds(_ up: [Transmission], _ down: [Transmission], until opened: Double) -> Double {
        SetUpComputing.time(up: up, down: down, until: .zero + .microseconds(Int64(opened * 1000))).milliseconds
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

    @Test func `no packets, no computing but the beginning's`() {
        #expect(Self.milliseconds([], [], until: 3) == 3)
        #expect(Self.milliseconds([], [], until: 300) == 0)
    }
}
