internal import Framing
internal import MediaStreams
internal import QUIC
internal import Session
internal import Wire

/// The frames and events of one attachment, over several streams and datagrams.
///
/// The input is a list of steps: a byte that says what to do (the low bits name one of eight streams), a length, and as many
/// bytes of the stream or the datagram.
func fuzzFlows(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let steps = Step.list(input)
    let whole = try receive(steps)
    let single = try receive(steps.flatMap(\.inSingleBytes))
    // At the limit they may matter: a stream that comes whole takes no place among those that are kept.
    if !whole.isCrowded && !single.isCrowded {
        try expect(whole.error == single.error, "the pieces do not matter for the error")
        try expect(whole.events == single.events, "the pieces do not matter for what is handed up")
    }
    return whole.error == nil && !whole.events.isEmpty
}

private struct Step {
    enum Kind { case stream(isFinal: Bool), reset, datagram }
    var kind: Kind
    var stream: StreamID
    var bytes: [UInt8]

    static func list(_ input: Span<UInt8>) -> [Step] {
        var reader = ByteReader(input)
        var steps: [Step] = []
        while let operation = try? reader.readUInt8(), let length = try? reader.readUInt8() {
            let kind: Kind = switch operation >> 6 {
            case 0: .stream(isFinal: false)
            case 1: .stream(isFinal: true)
            case 2: .datagram
            default: .reset
            }
            let bytes = (try? reader.readBytes(min(Int(length), reader.remaining))) ?? []
            steps.append(Step(kind: kind, stream: StreamID(Int64(operation & 7) * 4 + 2), bytes: bytes))
        }
        return steps
    }

    /// The same, with the bytes of a stream one by one; a datagram is what it is.
    var inSingleBytes: [Step] {
        guard case .stream(let isFinal) = kind, bytes.count > 1 else { return [self] }
        return bytes.indices.map { index in
            Step(kind: .stream(isFinal: isFinal && index == bytes.count - 1), stream: stream, bytes: [bytes[index]])
        }
    }
}

private struct Reception {
    var events: [TransportEvent] = []
    var error: RoQError?
    /// A stream was refused because too many are open.
    var isCrowded = false
}

private func receive(_ steps: [Step]) throws(FuzzFinding) -> Reception {
    var limits = MediaStreamLimits()
    limits.packetByteCount = 64
    limits.eventByteCount = 64
    limits.incompleteStreams = 4
    var receiver = FlowReceiver(mediaFlow: 0, eventFlow: 1, format: MediaFormat(), limits: limits)
    var queue = TransportEventQueue()
    var reception = Reception()
    var refused: Set<StreamID> = []
    for step in steps where reception.error == nil && !refused.contains(step.stream) {
        do throws(RoQError) {
            switch step.kind {
            case .stream(let isFinal):
                let outcome = try receiver.receive(step.bytes, on: step.stream, isFinal: isFinal, into: &queue)
                // The transport reads no more of a stream that it stopped.
                if outcome != .accepted { refused.insert(step.stream) }
                if outcome == .tooManyStreams { reception.isCrowded = true }
            case .reset:
                receiver.forget(step.stream)
            case .datagram:
                var reader = ByteReader(step.bytes.span)
                try receiver.receive(datagram: &reader, into: &queue)
            }
        } catch {
            reception.error = error
        }
        while let event = queue.popFirst() { reception.events.append(event) }
        try expect(receiver.openStreams.count <= limits.incompleteStreams, "no more streams are kept than may be")
    }
    return reception
}
