internal import Endpoint
package import NIOCore
package import Wire

/// The sockets of one session's client: one for each connection that the session has or had. Lives on one event loop.
///
/// A turn of one of them may have changed what another has to send, so each of the others gets one, too. Then the conversation may
/// want another connection, or its newest a call (`SessionLines+Openings`). Sockets keep the conversation's time; while there is none,
/// the alarm does.
package final class SessionLines<Conversation: SessionConversation> {
    package let conversation: Conversation
    let ways: SessionWays
    let loop: any EventLoop
    private let afterTurn: (Conversation) -> Void
    private(set) var lines: [(line: SessionLine<Conversation>, driver: SessionDriver<Conversation>)] = []
    private var alarm: (task: Scheduled<Void>, time: Instant)?
    private var isPoking = false
    private(set) var isClosed = false

    /// `begin` follows.
    /// - Parameter afterTurn: called after every turn.
    package init(
        _ conversation: Conversation, ways: SessionWays, on loop: any EventLoop, afterTurn: @escaping (Conversation) -> Void
    ) {
        self.conversation = conversation
        self.ways = ways
        self.loop = loop
        self.afterTurn = afterTurn
    }

    package func begin() { turned() }

    /// Has the conversation do something, and carries out what follows from it.
    package func command(_ body: (Conversation, Instant) -> Void) {
        body(conversation, SystemClock.now())
        stirred(by: nil)
        turned()
    }

    /// Closes every socket; no other is opened.
    /// - Returns: when all are closed. It fails where one was closed already.
    package func close() -> EventLoopFuture<Void> {
        isClosed = true
        setAlarm()
        defer { lines.removeAll() }
        return .andAllComplete(lines.map { $0.driver.close() }, on: loop)
    }

    // MARK: Turns

    /// Something has changed what the others have to send.
    func stirred(by origin: SessionLine<Conversation>?) {
        for (line, _) in lines where line !== origin { line.isStale = true }
    }

    /// Ends a turn.
    func turned() {
        guard !isPoking, !isClosed else { return }
        isPoking = true
        while let (line, driver) = lines.first(where: \.line.isStale) {
            line.isStale = false
            driver.poke()
        }
        isPoking = false
        if let transport = conversation.takeOpening() { open(transport) }
        callWhereWanted()
        afterTurn(conversation)
        setAlarm()
    }

    // MARK: Sockets

    /// A line's socket stands. Its turn must follow.
    func add(_ line: SessionLine<Conversation>, _ driver: SessionDriver<Conversation>) {
        guard !isClosed else {
            driver.close()
            return
        }
        lines.append((line, driver))
        stirred(by: line)
        driver.closeFuture.assumeIsolated().whenComplete { _ in self.removed(line) }
    }

    private func removed(_ line: SessionLine<Conversation>) {
        lines.removeAll { $0.line === line }
        turned()
    }

    // MARK: The alarm

    private func setAlarm() {
        let deadline = lines.isEmpty && !isClosed ? conversation.deadline : nil
        guard alarm?.time != deadline else { return }
        alarm?.task.cancel()
        alarm = nil
        guard let deadline else { return }
        let lines = NIOLoopBound(self, eventLoop: loop)
        alarm = (loop.scheduleTask(deadline: .uptimeNanoseconds(deadline.nanoseconds)) { lines.value.ring() }, deadline)
    }

    private func ring() {
        alarm = nil
        command { conversation, now in
            if let deadline = conversation.deadline, deadline <= now { conversation.handleTimeout(now: now) }
        }
    }
}
