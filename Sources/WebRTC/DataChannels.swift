internal import Framing
internal import SCTP
internal import Session
internal import Wire

/// The data channels of one connection: which stream is what, opened by DCEP (RFC 8832).
///
/// `oai-events` carries one JSON event a message. `parallax-media` carries one RTP packet a message; there may be several of
/// that name, one for each kind of reliability that a mode asks for, and frames are taken from any of them.
struct DataChannels {
    enum Label {
        static let events = "oai-events"
        static let media = "parallax-media"
    }

    /// What a message turned out to be.
    enum Arrival {
        case event([UInt8])
        /// An RTP packet.
        case packet([UInt8])
        case eventsOpened
        /// Of a channel that nobody reads, or part of DCEP itself.
        case nothing
    }

    /// How the messages of a channel are delivered.
    struct Kind: Hashable {
        var isOrdered: Bool
        var reliability: SCTPReliability

        static let inOrder = Kind(isOrdered: true, reliability: .reliable)
        /// What mode `repair` sends again.
        static let repair = Kind(isOrdered: false, reliability: .reliable)

        /// The channel that a delivery wants; `nil` for those that SRTP carries.
        init?(_ delivery: Delivery) {
            switch delivery {
            case .stream: self = .inOrder
            case .streamPerFrame: self = Kind(isOrdered: false, reliability: .reliable)
            case .expiring(let age): self = Kind(isOrdered: false, reliability: .maxLifetime(age))
            case .datagram, .redundant, .resent, .repaired: return nil
            }
        }

        init(isOrdered: Bool, reliability: SCTPReliability) {
            self.isOrdered = isOrdered
            self.reliability = reliability
        }
    }

    private enum Use {
        case events, media, other
    }

    private struct Channel {
        var use: Use
        var kind: Kind
        /// Whether the peer has shown that it knows the channel: until then everything is sent in order, so that nothing
        /// overtakes the OPEN (RFC 8832 section 6).
        var isKnown: Bool
    }

    private let limit: Int
    private var channels: [UInt16: Channel] = [:]
    /// The next stream to open a channel on: even for the DTLS client, odd for the server (RFC 8832 section 6).
    private var nextStream: UInt16
    private(set) var events: UInt16?

    init(isClient: Bool, limit: Int) {
        nextStream = isClient ? 0 : 1
        self.limit = limit
    }

    // MARK: Opening

    /// Opens `oai-events`; what is sent on it may follow at once.
    mutating func openEvents(on association: SCTPAssociation, now: Instant) throws(SCTPRefusal) {
        events = try open(.events, Label.events, .inOrder, on: association, now: now)
    }

    /// The channel for frames of this kind, opened here where the peer has opened none.
    mutating func media(_ kind: Kind, on association: SCTPAssociation, now: Instant) throws(SCTPRefusal) -> UInt16 {
        if let stream = channels.first(where: { $0.value.use == .media && $0.value.kind == kind })?.key { return stream }
        return try open(.media, Label.media, kind, on: association, now: now)
    }

    /// Whether the peer knows a channel of frames on which lost ones can be sent again: it has opened one, or acknowledged ours.
    var repairIsKnown: Bool { channels.values.contains { $0.use == .media && $0.kind == .repair && $0.isKnown } }

    private mutating func open(
        _ use: Use, _ label: String, _ kind: Kind, on association: SCTPAssociation, now: Instant
    ) throws(SCTPRefusal) -> UInt16 {
        guard channels.count < limit else { throw .queueFull }
        let stream = nextStream
        let message = DataChannelMessage.open(DataChannelOpen(kind: kind, label: label))
        try association.send(message.bytes, stream: stream, protocolID: DataChannelPPID.control, isOrdered: true, reliability: .reliable, now: now)
        nextStream += 2
        channels[stream] = Channel(use: use, kind: kind, isKnown: false)
        return stream
    }

    // MARK: Sending

    /// Sends one message on an open channel.
    func send(
        _ bytes: [UInt8], on stream: UInt16, protocolID: UInt32, over association: SCTPAssociation, now: Instant
    ) throws(SCTPRefusal) {
        guard let channel = channels[stream] else { throw .notConnected }
        try association.send(
            bytes, stream: stream, protocolID: protocolID, isOrdered: channel.kind.isOrdered || !channel.isKnown,
            reliability: channel.kind.reliability, now: now)
    }

    // MARK: Receiving

    mutating func receive(
        _ bytes: [UInt8], on stream: UInt16, protocolID: UInt32, over association: SCTPAssociation, now: Instant
    ) -> Arrival {
        if protocolID == DataChannelPPID.control { return receiveControl(bytes, on: stream, over: association, now: now) }
        guard let channel = channels[stream] else { return .nothing }
        channels[stream]?.isKnown = true
        switch channel.use {
        case .events: return .event(bytes)
        case .media: return .packet(bytes)
        case .other: return .nothing
        }
    }

    private mutating func receiveControl(
        _ bytes: [UInt8], on stream: UInt16, over association: SCTPAssociation, now: Instant
    ) -> Arrival {
        switch try? DataChannelMessage(parsing: bytes.span) {
        case .open(let open):
            guard channels[stream] == nil, channels.count < limit else { return .nothing }
            let use: Use =
                switch open.label {
                case Label.events where events == nil: .events
                case Label.media: .media
                default: .other
                }
            channels[stream] = Channel(use: use, kind: Kind(open), isKnown: true)
            try? association.send(
                DataChannelMessage.ack.bytes, stream: stream, protocolID: DataChannelPPID.control, isOrdered: true,
                reliability: .reliable, now: now)
            guard case .events = use else { return .nothing }
            events = stream
            return .eventsOpened
        case .ack:
            channels[stream]?.isKnown = true
            return .nothing
        case nil:
            return .nothing
        }
    }

    /// The peer closed a channel (RFC 8831 section 6.7).
    /// - Returns: whether it was the one of events.
    mutating func closed(_ stream: UInt16) -> Bool {
        channels[stream] = nil
        guard stream == events else { return false }
        events = nil
        return true
    }
}

extension DataChannelOpen {
    fileprivate init(kind: DataChannels.Kind, label: String) {
        let channelType: DataChannelType =
            switch (kind.isOrdered, kind.reliability) {
            case (true, .reliable): .reliable
            case (false, .reliable): .reliableUnordered
            case (true, .maxRetransmits): .maxRetransmits
            case (false, .maxRetransmits): .maxRetransmitsUnordered
            case (true, .maxLifetime): .maxLifetime
            case (false, .maxLifetime): .maxLifetimeUnordered
            }
        let parameter: UInt32 =
            switch kind.reliability {
            case .reliable: 0
            case .maxRetransmits(let count): UInt32(count)
            case .maxLifetime(let age): UInt32(clamping: age.nanoseconds / 1_000_000)
            }
        self.init(channelType: channelType, priority: 256, reliability: parameter, label: label, protocol: "")
    }
}

extension DataChannels.Kind {
    fileprivate init(_ open: DataChannelOpen) {
        switch open.channelType {
        case .reliable: self = .inOrder
        case .reliableUnordered: self.init(isOrdered: false, reliability: .reliable)
        case .maxRetransmits:
            self.init(isOrdered: true, reliability: .maxRetransmits(UInt16(clamping: open.reliability)))
        case .maxRetransmitsUnordered:
            self.init(isOrdered: false, reliability: .maxRetransmits(UInt16(clamping: open.reliability)))
        case .maxLifetime:
            self.init(isOrdered: true, reliability: .maxLifetime(.milliseconds(Int64(open.reliability))))
        case .maxLifetimeUnordered:
            self.init(isOrdered: false, reliability: .maxLifetime(.milliseconds(Int64(open.reliability))))
        }
    }
}
