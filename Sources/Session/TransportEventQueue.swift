
/// What a transport hands up, in order, until it is polled. Polled empty after every input, so an input's size bounds it.
package struct TransportEventQueue: Sendable {
    private var events: [TransportEvent] = []
    private var head = 0

    package init() {}

    package var isEmpty: Bool { head == events.count }

    package mutating func append(_ event: TransportEvent) { events.append(event) }

    package mutating func popFirst() -> TransportEvent? {
        guard head < events.count else {
            events.removeAll(keepingCapacity: true)
            head = 0
            return nil
        }
        defer { head += 1 }
        return events[head]
    }
}
