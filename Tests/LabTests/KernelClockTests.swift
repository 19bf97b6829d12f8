@testable import Lab
import Testing
import Wire

@Suite struct KernelClockTests {
    private static func expiry(_ wait: Int, at now: Int, phase: Duration = .zero) -> Double {
        var clock = KernelClock()
        clock.phase = phase
        return (clock.expiry(after: .milliseconds(wait), now: .zero + .milliseconds(now)) - .zero).milliseconds
    }

    @Test func `a timer fires with the tick behind its own, so never early`() {
        #expect(Self.expiry(40, at: 0) == 44)
        #expect(Self.expiry(40, at: 3) == 44)
        #expect(Self.expiry(40, at: 4) == 48)
        #expect(Self.expiry(41, at: 0) == 48)
        #expect(Self.expiry(0, at: 0) == 8)
    }

    @Test func `the further away the coarser`() {
        #expect(Self.expiry(248, at: 0) == 252)
        // 300 ms are 75 ticks, and the next multiple of 8 ticks is 320 ms.
        #expect(Self.expiry(300, at: 0) == 320)
        #expect(Self.expiry(300, at: 20) == 352)
        // Beyond 504 ticks in steps of 64: 256 ms.
        #expect(Self.expiry(2_400, at: 0) == 2_560)
    }

    @Test func `ticks have a phase of their own, which a seed decides`() {
        #expect(Self.expiry(40, at: 0, phase: .milliseconds(1)) == 43)
        let phases = (0..<50).map { KernelClock(seed: $0).phase }
        #expect(Set(phases).count == 50)
        #expect(phases.allSatisfy { $0 >= .zero && $0 < KernelClock.period })
    }

    @Test func `the timeout is the smoothed round trip and 200 ms, on a path that does not vary`() {
        var timeout = TCPTimeout()
        #expect(timeout.current == .seconds(1))
        for index in 1...20 {
            timeout.sample(.milliseconds(100), acknowledged: index, next: index + 1)
            #expect(timeout.current == .milliseconds(300))
        }
        timeout.backOff()
        timeout.backOff()
        #expect(timeout.current == .milliseconds(1_200))
        timeout.sample(.milliseconds(100), acknowledged: 22, next: 23)
        #expect(timeout.current == .milliseconds(300))
    }

    @Test func `a round trip that grows is believed at once, one that shrinks slowly`() {
        var timeout = TCPTimeout()
        for index in 1...20 { timeout.sample(.milliseconds(100), acknowledged: index, next: index + 1) }
        timeout.sample(.milliseconds(1_000), acknowledged: 30, next: 31)
        let high = timeout.current
        #expect(high > .milliseconds(1_000))
        timeout.sample(.milliseconds(100), acknowledged: 32, next: 33)
        #expect(timeout.current > .milliseconds(700))
    }

    @Test func `a loss leaves seven tenths of the window, which grows back as CUBIC has it`() {
        var window = CubicWindow()
        #expect(window.isSlowStart)
        window.grow(by: 10, roundTrip: .milliseconds(100), now: .zero)
        #expect(window.count == 20)
        let before = window.reduce()
        #expect(before.window == 20)
        #expect(window.threshold == 14)
        window.count = 14
        var now = Instant.zero
        var grown: Int?
        for second in 1...40 {
            for _ in 0..<10 {
                now = now + .milliseconds(100)
                window.grow(by: window.count, roundTrip: .milliseconds(100), now: now)
            }
            if window.count >= 20, grown == nil { grown = second }
        }
        // K is the cube root of 6 / 0.4, 2.5 s; Reno's window gets there at about the same time.
        #expect((1...4).contains(grown ?? 0))
    }
}
