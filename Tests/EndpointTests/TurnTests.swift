import Endpoint
import QUIC
import Responder
import SCTPLease
import Session
import Testing
import Wire

/// A whole turn over each transport and in each mode: speak, commit, receipt, answer.
@Suite(.ownsSCTP) struct TurnTests {
    @Test(arguments: House.transports, ReliabilityMode.allCases)
    func `on a clean link a prompt arrives intact and its echo comes back whole`(transport: String, mode: ReliabilityMode) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport)) { $0.mode = mode }
        #expect(house.run { $0.isOpen(client) })
        house.speak(client, frames: 50)
        #expect(house.run(for: .seconds(5)) { $0.hasStopped(client) })
        let receipt = try #require(house.receipts(client).first)
        #expect(receipt.verdict == .intact)
        #expect(receipt.receivedFrames == 50)
        #expect(receipt.transport == transport)
        #expect(receipt.mode == mode)
        #expect(house.answers(client) == (0..<50).map(House.payload))
        #expect(house.serverNotices.contains { if case .promptDecided(_, let noticed) = $0 { noticed == receipt } else { false } })
    }

    @Test(arguments: House.transports)
    func `the first frame may leave one round trip after the first packet`(transport: String) throws {
        let house = try House(delay: .milliseconds(25))
        let start = house.now
        let client = house.connect(try House.transport(transport))
        #expect(house.run { $0.isOpen(client) })
        #expect(house.now - start == .milliseconds(50))
        // What is sent at once travels with the request, and is not lost.
        house.speak(client, frames: 10)
        house.run(for: .seconds(3))
        #expect(house.receipts(client).first?.verdict == .intact)
    }

    @Test(arguments: House.transports)
    func `datagram mode misses exactly the frames that the link dropped`(transport: String) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport))
        house.run { $0.isOpen(client) }
        house.run(for: .seconds(1))
        // One packet a frame, sent at its capture: the datagram after each capture carries it.
        var frame = 0
        var dropped: [Int] = []
        house.drops = { _, up, _, bytes in
            // Nothing else is as long but ICE's checks, which begin with a byte below 4.
            guard up, bytes.count > 85, bytes[0] > 3, frame < 100 else { return false }
            defer { frame += 1 }
            guard frame % 10 == 3 || (40...44).contains(frame) else { return false }
            dropped.append(frame)
            return true
        }
        house.speak(client, frames: 100)
        house.run(for: .seconds(5))
        let receipt = try #require(house.receipts(client).first)
        #expect(receipt.verdict == .degraded)
        #expect(receipt.expectedFrames == 100)
        #expect(receipt.receivedFrames == 100 - dropped.count)
        let missing = receipt.missing.flatMap { Array(stride(from: $0.fromMilliseconds, to: $0.toMilliseconds, by: 20)).map { $0 / 20 } }
        #expect(missing == dropped)
        #expect(receipt.longestGapMilliseconds == 100)
    }

    @Test(arguments: House.transports, [ReliabilityMode.stream, .streamPerFrame])
    func `reliable modes are intact under heavy loss`(transport: String, mode: ReliabilityMode) throws {
        let house = try House()
        var random = Xoshiro256(seed: 77)
        let client = house.connect(try House.transport(transport)) { $0.mode = mode }
        house.run { $0.isOpen(client) }
        house.drops = { _, _, _, _ in random.nextUnit() < 0.2 }
        house.speak(client, frames: 200)
        #expect(house.run(for: .seconds(40)) { $0.hasStopped(client) })
        #expect(house.receipts(client).first?.verdict == .intact)
        // The last frames travel on a stream of their own, which the event may overtake.
        house.run(for: .seconds(10)) { $0.answers(client).count == 200 }
        #expect(house.answers(client).count == 200)
    }

    @Test(arguments: House.transports)
    func `an outage of five seconds in a reliable mode loses nothing`(transport: String) throws {
        for mode in [ReliabilityMode.stream, .streamPerFrame] {
            let house = try House()
            let client = house.connect(try House.transport(transport)) { $0.mode = mode }
            house.run { $0.isOpen(client) }
            let start = house.now
            house.drops = { [unowned house] _, _, _, _ in house.now - start > .seconds(1) && house.now - start < .seconds(6) }
            house.speak(client, frames: 500)
            #expect(house.run(for: .seconds(40)) { !$0.receipts(client).isEmpty })
            #expect(house.receipts(client).first?.verdict == .intact)
        }
    }

    /// ngtcp2 sets no timer for datagrams: a window full of lost ones must not be the end.
    @Test(arguments: House.transports, [ReliabilityMode.datagram, .red])
    func `an outage that fills the window with lost datagrams passes`(transport: String, mode: ReliabilityMode) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport)) { $0.mode = mode }
        house.run { $0.isOpen(client) }
        house.run(for: .seconds(1))
        let start = house.now
        house.drops = { [unowned house] _, _, _, _ in house.now - start > .seconds(1) && house.now - start < .seconds(9) }
        house.speak(client, frames: 600)
        #expect(house.run(for: .seconds(20)) { !$0.receipts(client).isEmpty })
        #expect(house.close(client) == nil)
        let receipt = try #require(house.receipts(client).first)
        // The first second and most of the last two and a half came.
        #expect(receipt.receivedFrames > 100)
        house.speak(client, frames: 50)
        #expect(house.run(for: .seconds(5)) { $0.receipts(client).count == 2 })
        #expect(house.receipts(client).last?.verdict == .intact)
    }

    @Test(arguments: House.transports)
    func `a mode changes in mid-session and the receipts tell`(transport: String) throws {
        let house = try House()
        let client = house.connect(try House.transport(transport)) { $0.mode = .datagram }
        house.run { $0.isOpen(client) }
        for mode in [ReliabilityMode.datagram, .streamPerFrame, .stream] {
            house.clients[client].changeMode(mode, now: house.now)
            house.run(for: .milliseconds(200))
            house.speak(client, frames: 20, respond: false)
            house.run(for: .seconds(1))
        }
        #expect(house.receipts(client).map(\.mode) == [.datagram, .streamPerFrame, .stream])
        #expect(house.receipts(client).allSatisfy { $0.verdict == .intact })
    }

    @Test(arguments: House.transports)
    func `loopback returns each frame as it arrives`(transport: String) throws {
        let house = try House { $0.responder = .loopback() }
        let client = house.connect(try House.transport(transport))
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(500))
        let sent = house.now
        house.clients[client].capture(payload: House.payload(1), duration: .milliseconds(20), now: house.now)
        #expect(house.run(for: .seconds(1)) { $0.answers(client).count == 1 })
        #expect(house.now - sent == .milliseconds(50))
        #expect(house.answers(client) == [House.payload(1)])
    }

    @Test func `a script answers after its think time`() throws {
        let house = try House { $0.responder = .script(packets: (0..<5).map(House.payload), thinkTime: .milliseconds(300)) }
        let client = house.connect(try House.transport("roq"))
        house.run { $0.isOpen(client) }
        house.speak(client, frames: 10)
        let asked = house.now
        #expect(house.run(for: .seconds(2)) { !$0.answers(client).isEmpty })
        #expect(house.now - asked >= .milliseconds(350))
        #expect(house.run(for: .seconds(2)) { $0.hasStopped(client) })
        #expect(house.answers(client).count == 5)
    }

    @Test func `many sessions over all transports do not disturb one another`() throws {
        let house = try House()
        let clients = try (0..<20).map { house.connect(try House.transport(House.transports[$0 % 3])) }
        #expect(house.run { house in clients.allSatisfy { house.isOpen($0) } })
        // One of them floods garbage and one goes silent; the others talk.
        house.drops = { client, up, _, _ in client == 3 && up }
        for index in 0..<25 {
            for client in clients { house.clients[client].capture(payload: House.payload(index), duration: .milliseconds(20), now: house.now) }
            house.inject([UInt8](repeating: UInt8(index), count: 100))
            house.run(for: .milliseconds(20))
        }
        for client in clients { house.clients[client].commit(now: house.now) }
        house.run(for: .seconds(3))
        for client in clients where client != 3 {
            #expect(house.receipts(client).first?.verdict == .intact, "\(client) over \(House.transports[client % 3]): \(house.notices[client])")
        }
    }
}
