import Endpoint
import SCTPLease
import Session
import Testing
import Wire

/// Sessions whose audio travels in events, as with OpenAI's clients over WebSocket, on their way from one connection to the next.
@Suite(.ownsSCTP) struct AudioInEventsTests {
    private static let ways = (House.transports + ["websocket", "openai"]).flatMap { [(from: "openai", to: $0), (from: $0, to: "openai")] }

    private func opened(_ house: House, over transport: String) throws -> Int {
        let client = house.connect(try House.transport(transport), reconnect: ReconnectPolicy()) {
            $0.mode = .stream
            $0.firstSequence = 65_530
        }
        house.run { $0.isOpen(client) }
        house.run(for: .milliseconds(200))
        return client
    }

    private func expectWhole(_ house: House, _ client: Int, frames: Int, _ way: (from: String, to: String)) {
        let receipts = house.receipts(client)
        #expect(receipts.count == 1 && receipts.first?.verdict == .intact, "\(way) \(receipts)")
        #expect(receipts.first?.expectedFrames == frames)
        house.run(for: .seconds(5)) { $0.answers(client).count == frames }
        let answer = house.notices[client].compactMap { if case .realtime(.answerFrame(let frame)) = $0 { frame } else { nil } }
        #expect(answer.map(\.payload) == (0..<frames).map(House.payload), "\(way)")
        #expect(answer.map(\.sequence) == (0..<frames).map { UInt16($0) })
        #expect(house.close(client) == nil)
    }

    @Test(arguments: ways)
    func `a session moves in mid-prompt, and prompt and answer are whole`(way: (from: String, to: String)) throws {
        let house = try House()
        let client = try opened(house, over: way.from)
        house.speak(client, 0..<30)
        house.attach(client, try House.transport(way.to))
        house.speak(client, 30..<60)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        #expect(house.run(for: .seconds(10)) { $0.hasStopped(client) }, "\(way)")
        expectWhole(house, client, frames: 60, way)
    }

    @Test(arguments: ways)
    func `a loss in mid-prompt costs neither prompt nor answer a frame`(way: (from: String, to: String)) throws {
        let house = try House()
        let client = try opened(house, over: way.from)
        house.refuge = { _ in try? House.transport(way.to) }
        house.speak(client, 0..<30)
        house.dead = [house.path(client)]
        house.speak(client, 30..<60)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        #expect(house.run(for: .seconds(30)) { $0.hasStopped(client) }, "\(way)")
        expectWhole(house, client, frames: 60, way)
    }

    @Test(arguments: ways)
    func `what a loss took of an answer comes again, each frame once and by its number`(way: (from: String, to: String)) throws {
        let house = try House()
        let client = try opened(house, over: way.from)
        house.refuge = { _ in try? House.transport(way.to) }
        house.speak(client, 0..<60)
        house.clients[client].commit(now: house.now)
        house.clients[client].requestResponse(now: house.now)
        #expect(house.run(for: .seconds(5)) { !$0.receipts(client).isEmpty })
        // An answer in events is on its way as a whole by now.
        house.dead = [house.path(client)]
        // Only who writes to a stream learns that it is dead.
        house.clients[client].changeMode(.stream, now: house.now)
        #expect(house.run(for: .seconds(30)) { $0.hasStopped(client) }, "\(way)")
        expectWhole(house, client, frames: 60, way)
    }

    /// The event that says what the audio is may be lost with the first connection.
    @Test func `audio waits for the event that says what it is`() throws {
        let house = try House()
        let client = house.connect(try House.transport("openai"), reconnect: ReconnectPolicy()) { $0.mode = .stream }
        house.refuge = { _ in try? House.transport("openai") }
        #expect(house.run(for: .seconds(5)) { house in
            house.notices[client].contains { if case .realtime(.sessionCreated) = $0 { true } else { false } }
        })
        house.dead = [house.path(client)]
        house.speak(client, 0..<600)
        house.clients[client].commit(now: house.now)
        #expect(house.run(for: .seconds(30)) { !$0.receipts(client).isEmpty })
        #expect(house.receipts(client).first?.verdict == .intact)
        let errors = house.notices[client].filter { if case .realtime(.error) = $0 { true } else { false } }
        #expect(errors.isEmpty, "\(errors)")
    }
}
