internal import Framing
internal import Session
internal import Wire

/// What waits for the socket, in order. Answer frames wait as Opus and are turned into text only when the socket takes them:
/// so a long answer that is sent ahead of its play-out costs little while a slow peer reads it.
struct Outbox {
    enum Item {
        case text([UInt8])
        case binary([UInt8])
        /// A frame of an answer that travels in an event.
        case audio(MediaFrame, responseID: String)
    }

    private var items: BoundedQueue<Item>
    private let limits: WebSocketLimits
    private let frameLimit: Int
    private var eventCount = 0
    private var eventByteCount = 0
    private var frameCount = 0

    init(limits: WebSocketLimits, playsAhead: Bool) {
        self.limits = limits
        frameLimit = playsAhead ? limits.queuedFrames : limits.queuedEvents
        items = BoundedQueue(limit: limits.queuedEvents + limits.queuedFrames)
    }

    var isEmpty: Bool { items.isEmpty }
    var first: Item? { items.first }

    mutating func append(event: [UInt8]) throws(SendRefusal) {
        guard eventCount < limits.queuedEvents, eventByteCount + event.count <= limits.queuedEventByteCount else { throw .queueFull }
        eventCount += 1
        eventByteCount += event.count
        items.append(.text(event))
    }

    mutating func append(frame item: Item) throws(SendRefusal) {
        guard frameCount < frameLimit else { throw .queueFull }
        frameCount += 1
        items.append(item)
    }

    mutating func popFirst() -> Item? {
        let item = items.popFirst()
        switch item {
        case .text(let event):
            eventCount -= 1
            eventByteCount -= event.count
        case .binary, .audio: frameCount -= 1
        case nil: break
        }
        return item
    }

    /// The audio of a response is not to be heard any more.
    mutating func dropAudio(of responseID: String) {
        keep { if case .audio(_, responseID) = $0 { false } else { true } }
    }

    /// Nothing but events is of use to a peer that is told goodbye.
    mutating func dropFrames() {
        keep { if case .text = $0 { true } else { false } }
    }

    mutating func removeAll() { keep { _ in false } }

    private mutating func keep(_ isKept: (Item) -> Bool) {
        for _ in 0..<items.count {
            guard let item = popFirst() else { return }
            guard isKept(item) else { continue }
            items.append(item)
            if case .text(let event) = item {
                eventCount += 1
                eventByteCount += event.count
            } else {
                frameCount += 1
            }
        }
    }
}
