import Responder
import Session
import Testing
import Wire

@Suite struct ResponderTests {
    private static let start = Instant(nanoseconds: 5_000_000_000)

    @Test func `echo gives the prompt back, then is done`() {
        var responder = Responder.echo()
        responder.handle(.respond(responseID: "resp_1", prompt: [[1], [2, 3]]), now: Self.start)
        let outputs = drain(&responder)
        #expect(outputs == [.audio(responseID: "resp_1", packets: [[1], [2, 3]]), .done(responseID: "resp_1")])
        #expect(responder.deadline == nil)
    }

    @Test func `echo of nothing is done without audio`() {
        var responder = Responder.echo()
        responder.handle(.respond(responseID: "resp_1", prompt: []), now: Self.start)
        let outputs = drain(&responder)
        #expect(outputs == [.done(responseID: "resp_1")])
    }

    @Test func `script thinks for its time, not less and not more`() {
        var responder = Responder.script(packets: [[7]], thinkTime: .milliseconds(300))
        responder.handle(.respond(responseID: "resp_1", prompt: [[1]]), now: Self.start)
        let due = Self.start.advanced(by: .milliseconds(300))
        #expect(responder.deadline == due)
        responder.handleTimeout(now: due.advanced(by: .nanoseconds(-1)))
        let early = drain(&responder)
        #expect(early.isEmpty)
        responder.handleTimeout(now: due)
        let outputs = drain(&responder)
        #expect(outputs == [.audio(responseID: "resp_1", packets: [[7]]), .done(responseID: "resp_1")])
        #expect(responder.deadline == nil)
    }

    @Test func `script without think time answers at once`() {
        var responder = Responder.script(packets: [[7]], thinkTime: .zero)
        responder.handle(.respond(responseID: "resp_1", prompt: []), now: Self.start)
        let outputs = drain(&responder)
        #expect(outputs.count == 2)
    }

    @Test(arguments: [Responder.echo(), .loopback(), .script(packets: [[7]], thinkTime: .milliseconds(300)), .script(packets: [[7]], thinkTime: .zero)])
    func `after a cancel nothing comes`(_ responder: Responder) {
        var responder = responder
        responder.handle(.respond(responseID: "resp_1", prompt: [[1]]), now: Self.start)
        responder.handle(.cancel(responseID: "resp_1"), now: Self.start)
        #expect(responder.deadline == nil)
        responder.handleTimeout(now: Self.start.advanced(by: .seconds(10)))
        let outputs = drain(&responder)
        #expect(outputs.isEmpty)
    }

    @Test func `loopback leaves the frames to the session, and its responses are empty`() {
        var responder = Responder.loopback()
        #expect(responder.returnsFrames)
        #expect(!Responder.echo().returnsFrames)
        responder.handle(.respond(responseID: "resp_1", prompt: [[1]]), now: Self.start)
        let outputs = drain(&responder)
        #expect(outputs == [.done(responseID: "resp_1")])
    }

    private func drain(_ responder: inout Responder) -> [ResponderOutput] {
        var outputs: [ResponderOutput] = []
        while let output = responder.poll() { outputs.append(output) }
        return outputs
    }
}
