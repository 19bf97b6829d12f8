internal import QUIC
internal import Session
internal import WebTransport
internal import Wire

/// One connection of a peer's, with the transport it speaks and the session that it carries at present.
final class ServedConnection {
    let carrier: Carrier
    /// Where its handshake began, for the count of half-open connections.
    let source: PeerAddress
    /// `nil` until the handshake has said which.
    var transport: Attachment<WebTransportServer>?
    var conversation = Conversation.none
    /// The call that HTTP answered; `nil` where the connection asks for its session itself.
    var call: Call?
    /// Tells the stream of this connection from those that had its slot before; 0 where there is none.
    var streamSerial: UInt64 = 0
    /// Waits in the endpoint's list of streams that may have something to write.
    var isStreamReady = false
    /// By what its datagrams find it.
    var routes: Set<Route> = []
    /// Waits in the endpoint's list of connections that may have something to send.
    var isReady = false
    var isHalfOpen = true
    /// What waits for the handshake's end (docs/early-data.md).
    var held = HeldEarlyData()
    /// Until when the peer must have asked for a session, or have let go of the one that ended.
    var requestDeadline: Instant?

    init(carrier: Carrier, source: PeerAddress) {
        self.carrier = carrier
        self.source = source
    }

    /// Whether what comes now is early data, which somebody may have recorded and repeated.
    var isInEarlyData: Bool {
        if case .quic(let quic) = carrier { quic.earlyData == .pending } else { false }
    }

    var deadline: Instant? {
        let session = conversation.deadline
        return earliest(carrier.deadline, transport?.deadline, session, requestDeadline)
    }
}

/// What in a datagram leads to its connection.
enum Route: Hashable {
    /// QUIC's destination connection ID.
    case connectionID(ConnectionID)
    /// The server's half of a STUN USERNAME (RFC 8445 section 7.2.2).
    case iceUsername(String)
    /// Where a peer sends DTLS and SRTP from, once a connectivity check has proved it.
    case address(PeerAddress)
}

/// What came as early data and may have an effect only once the peer has proved, by the handshake's end, that it is there now.
struct HeldEarlyData {
    var resume: ResumeRequest?
    var notices: [ServerNotice] = []
    private(set) var events: [[UInt8]] = []
    private var byteCount = 0

    /// Keeps an event, or answers `false`: it is over a limit.
    mutating func append(_ event: [UInt8], _ limits: ServerLimits) -> Bool {
        guard events.count < limits.earlyEvents, byteCount + event.count <= limits.earlyEventByteCount else { return false }
        events.append(event)
        byteCount += event.count
        return true
    }
}

/// The session that a connection carries.
enum Conversation {
    case none
    /// Frames that came early belong to this session already; it moves here when the handshake is complete.
    case resuming(ServedSession)
    case active(ServedSession)
    /// Another connection carries it now. What frames are still under way here belong to it.
    case superseded(ServedSession)
    case ended

    var deadline: Instant? {
        guard case .active(let active) = self else { return nil }
        return active.deadline
    }
}
