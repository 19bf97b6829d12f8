package import Framing
package import QUIC
internal import RTP
package import Session
package import Wire

/// Reads the flows of one attachment, from streams and datagrams: frames on one, events (over RoQ) on another.
package struct FlowReceiver {
    /// What to do about a stream after its bytes were read.
    package enum StreamOutcome: Hashable, Sendable {
        case accepted
        /// Nobody reads this flow.
        case unknownFlow
        /// More streams are open than may be.
        case tooManyStreams
    }

    /// The flow of frames.
    package let mediaFlow: UInt64
    /// The flow of events; `nil` where they travel by other means.
    package let eventFlow: UInt64?
    private let format: MediaFormat
    private let limits: MediaStreamLimits
    private var streams: [StreamID: RoQStreamReader] = [:]
    /// What has come, so that copies of it in redundant packets are not handed up.
    private var seen = ReceivedSequences()
    /// Originals and copies of events, in order.
    private var eventOrder = EventOrder()
    /// The last frame that the peer has announced.
    private var announced: UInt16?
    /// Packets that were allowed and of no use: RTCP, other payload types, redundant payloads that cannot be read.
    package private(set) var ignoredCount = 0
    /// Datagrams of flows that nobody reads.
    package private(set) var unknownFlowCount = 0

    package init(mediaFlow: UInt64, eventFlow: UInt64?, format: MediaFormat, limits: MediaStreamLimits) {
        self.mediaFlow = mediaFlow
        self.eventFlow = eventFlow
        self.format = format
        self.limits = limits
    }

    /// The streams whose end has not come.
    package var openStreams: [StreamID] { Array(streams.keys) }

    package func isOpen(_ stream: StreamID) -> Bool { streams[stream] != nil }

    /// Reads one datagram from its flow identifier on.
    package mutating func receive(datagram reader: inout ByteReader, into events: inout TransportEventQueue) throws(RoQError) {
        let flow = try RoQDatagram.readFlow(&reader)
        switch flow {
        case mediaFlow: try receive(reader.readRest(), into: &events)
        case eventFlow: try receive(event: reader.readRest(), into: &events)
        default: unknownFlowCount &+= 1
        }
    }

    /// Reads bytes of a stream, of which the first begin with the flow identifier.
    package mutating func receive(
        _ bytes: [UInt8], on stream: StreamID, isFinal: Bool, into events: inout TransportEventQueue
    ) throws(RoQError) -> StreamOutcome {
        var reader = streams.removeValue(forKey: stream) ?? RoQStreamReader()
        reader.append(bytes)
        let isKnown = reader.flow.map { $0 == mediaFlow || $0 == eventFlow } ?? true
        guard isKnown else { return .unknownFlow }
        let isEvents = reader.flow == eventFlow && eventFlow != nil
        let limit = isEvents ? limits.eventByteCount + RTP.headerByteCount : limits.packetByteCount
        while let packet = try reader.next(maximumByteCount: limit, { format.read($0, isEvent: isEvents, seen: seen) }) {
            try deliver(packet, isOnStream: true, into: &events)
        }
        if isFinal {
            try reader.finish()
            return .accepted
        }
        guard streams.count < limits.incompleteStreams else { return .tooManyStreams }
        streams[stream] = reader
        return .accepted
    }

    /// The peer abandoned the stream: the frames on it have expired.
    package mutating func forget(_ stream: StreamID) { streams.removeValue(forKey: stream) }

    /// Counts an event that came on the stream of events, where that is not a flow.
    /// - Returns: whether it is to be handed up; `false` where a copy of it was.
    package mutating func takeEvent() -> Bool { eventOrder.takeOriginal() }

    private mutating func receive(_ packet: Span<UInt8>, into events: inout TransportEventQueue) throws(RoQError) {
        try deliver(format.read(packet, isEvent: false, seen: seen), isOnStream: false, into: &events)
    }

    private mutating func receive(event packet: Span<UInt8>, into events: inout TransportEventQueue) throws(RoQError) {
        try deliver(format.read(packet, isEvent: true, seen: seen), isOnStream: false, into: &events)
    }

    private mutating func deliver(_ packet: FlowPacket, isOnStream: Bool, into events: inout TransportEventQueue) throws(RoQError) {
        switch packet {
        case .media(.frame(var frame)):
            // Sent again on a stream: mode `repair`.
            if isOnStream, frame.recovery == .nack {
                // Its datagram was late and not lost: no duplicate of the sender's.
                guard !seen.contains(frame.sequence) else { return }
                frame.recovery = .repair
            }
            seen.insert(frame.sequence, frame.timestamp)
            events.append(.frame(frame))
        case .media(.redundant(let frames)):
            for frame in frames {
                seen.insert(frame.sequence, frame.timestamp)
                events.append(.frame(frame))
            }
        case .media(.closing(let marker)): deliver(marker, into: &events)
        case .event(let event):
            if !isOnStream || eventOrder.takeOriginal() { events.append(.event(event)) }
        case .media(.ignored): ignoredCount &+= 1
        case .media(.malformed): throw RoQError(.packetError, "a packet is no RTP")
        }
    }

    /// Takes from a closing marker what has not come: first frames, so that a commit finds them.
    private mutating func deliver(_ marker: ClosingMarker, into events: inout TransportEventQueue) {
        guard case .copies(let frames, let copies) = marker.content else { return }
        for copy in frames where !seen.contains(copy.sequence) {
            seen.insert(copy.sequence, copy.timestamp)
            events.append(.frame(MediaFrame(
                sequence: copy.sequence, timestamp: copy.timestamp, marker: copy.marker, payload: copy.payload, recovery: .repair)))
        }
        if marker.last != announced {
            announced = marker.last
            events.append(.framesAnnounced(through: marker.last))
        }
        for copy in copies where eventOrder.takeCopy(index: copy.index) { events.append(.event(copy.bytes)) }
    }
}

/// A packet of either flow.
private enum FlowPacket {
    case media(ReceivedPacket)
    case event([UInt8])
}

extension MediaFormat {
    fileprivate func read(_ packet: Span<UInt8>, isEvent: Bool, seen: ReceivedSequences) -> FlowPacket {
        guard isEvent else { return .media(read(packet, seen: seen)) }
        var events = self
        events.acceptedPayloadType = RTP.eventPayloadType
        switch events.read(packet) {
        case .frame(let frame): return .event(frame.payload)
        case let other: return .media(other)
        }
    }
}
