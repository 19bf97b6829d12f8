import Foundation
import SCTP
import SCTPLease
import Synchronization
import Testing
import Wire

@Suite(.ownsSCTP) struct ThreadsTests {
    /// The clock that all loops of a process read: a quarter of a millisecond passes with every look.
    private final class SharedClock: Sendable {
        private let ticks = Atomic<UInt64>(0)
        func now() -> Instant {
            Instant(nanoseconds: ticks.wrappingAdd(250_000, ordering: .relaxed).newValue)
        }
    }

    @Test func `several loops share the engine, each with associations of its own`() {
        let clock = SharedClock()
        let received = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            for _ in 0..<10 {
                let client = SCTPAssociation(isClient: true)
                let server = SCTPAssociation(isClient: false)
                server.start(now: clock.now())
                client.start(now: clock.now())
                var sent = 0
                for _ in 0..<1_000 {
                    if sent < 100, client.isConnected {
                        try? client.send([UInt8(sent)], stream: 0, protocolID: 53, now: clock.now())
                        sent += 1
                    }
                    while let packet = client.pollTransmit() { server.receive(packet, now: clock.now()) }
                    while let packet = server.pollTransmit() { client.receive(packet, now: clock.now()) }
                    while let event = server.pollEvent() {
                        if case .message = event { received.wrappingAdd(1, ordering: .relaxed) }
                    }
                    for association in [client, server] {
                        let now = clock.now()
                        if let deadline = association.deadline, deadline <= now { association.handleTimeout(now: now) }
                    }
                }
            }
        }
        #expect(received.load(ordering: .relaxed) == 4 * 10 * 100)
    }
}
