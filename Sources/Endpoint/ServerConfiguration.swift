package import QUIC
package import Responder
package import RoQ
package import Session
package import WebRTC
package import WebSocket
package import WebTransport
package import Wire

/// How a server behaves. One value holds all of it; the driver adds sockets, clock and entropy.
package struct ServerConfiguration: Sendable {
    package var credentials: ServerCredentials
    package var quic = QUICConfiguration()
    package var session = SessionConfiguration()
    package var sessionLimits = SessionLimits()
    package var webTransport = WebTransportServerConfiguration()
    package var roq = RoQConfiguration()
    /// `nil` answers no calls.
    package var webRTC: WebRTCServerConfiguration?
    /// `nil` takes no streams.
    package var webSocket: WebSocketServerConfiguration? = WebSocketServerConfiguration()
    /// The protocols accepted, best first; they decide which transport a connection speaks.
    package var alpn = ["h3"] + RoQConfiguration.defaultALPN
    /// What answers in every session.
    package var responder = Responder.echo()
    package var limits = ServerLimits()
    package var retry = RetryPolicy.whenBusy
    /// What clients must present to get a session; `nil` lets everybody in.
    package var secret: String?
    /// How many client secrets it gives, and for how long.
    package var clientSecrets = ClientSecrets.Limits()
    /// Where this endpoint lives; every connection ID says it.
    package var place = ServerPlace(server: 0, shard: 0)
    package var connectionIDs = ConnectionIDLayout()
    /// Tickets and early data (docs/early-data.md); `nil` for neither.
    package var earlyData: EarlyDataConfiguration?
    /// The secret of stateless resets; keep it over restarts so that old connections can be reset. Random when `nil`.
    package var resetSecret: [UInt8]?

    package init(credentials: ServerCredentials) { self.credentials = credentials }

    /// What clients remember of this server beside a ticket, in one string of bytes.
    var rememberedByClients: [UInt8] { quic.limits.rememberedByClients + webTransport.remembered }
}

/// When an unknown client must prove its address by a Retry before anything is kept for it (RFC 9000 section 8.1.2).
package enum RetryPolicy: String, CaseIterable, Hashable, Sendable {
    case never
    /// When half the places for unfinished handshakes are taken.
    case whenBusy = "busy"
    case always
}

/// Every bound on what an endpoint keeps for strangers.
package struct ServerLimits: Hashable, Sendable {
    /// Connections at once, of every state.
    package var connections = 10_000
    /// Connections whose handshake is not finished.
    package var halfOpenConnections = 1_000
    /// The same from one IP address.
    package var halfOpenConnectionsPerSource = 64
    /// Parts of a ClientHello that came before its beginning, kept for the packet that does begin it.
    package var strayInitials = 64
    /// Stateless answers (Version Negotiation, Retry, reset) that wait to be sent; more are not given.
    package var statelessReplies = 256
    /// How long an established connection may stay without asking for a session.
    package var sessionRequestTime = Duration.seconds(10)
    /// Events that came as early data and wait for the handshake's end, in all a connection, and their bytes.
    package var earlyEvents = 256
    package var earlyEventByteCount = 256 * 1024
    /// How long a connection may stay after its session has ended, for the last bytes to arrive.
    package var closeTime = Duration.seconds(5)
    /// Sessions that wait for another connection of their clients; one over it ends with its connection.
    package var detachedSessions = 1_000
    /// How long a connection is still read after another has taken its session over, for frames that are under way.
    package var supersededTime = Duration.milliseconds(500)
    /// Notices that wait to be polled.
    package var notices = 4096

    package init() {}
}

/// What an endpoint counts; for metrics and tests.
package struct ServerCounters: Hashable, Sendable {
    package var datagramsReceived = 0
    package var connectionsAccepted = 0
    package var connectionsRefused = 0
    package var sessionsOpened = 0
    package var sessionsRefused = 0
    package var sessionsResumed = 0
    /// Connections whose early data was taken.
    package var earlyDataAccepted = 0
    package var sessionsClosed = 0
    package var retriesSent = 0
    package var versionNegotiationsSent = 0
    package var statelessResetsSent = 0
    package var strayInitialsKept = 0
    /// Datagrams of a protocol that nobody here speaks (STUN, DTLS, RTP by RFC 9443), and garbage.
    package var datagramsUnclaimed = 0
    /// Frames that a transport did not take: the peer reads too slowly, or they do not fit a datagram.
    package var framesDropped = 0

    package init() {}
}

/// What happened, for logs and metrics; drained by `ServerEndpoint.pollNotice`.
package enum ServerNotice: Hashable, Sendable {
    case sessionOpened(id: String, transport: String, peer: PeerAddress)
    case promptDecided(sessionID: String, Receipt)
    /// Its connection is gone, and another may take it over.
    case sessionDetached(id: String, TransportClose)
    case sessionResumed(id: String, transport: String, peer: PeerAddress)
    /// Before it closes: what became of its frames.
    case framesAccounted(sessionID: String, FrameAccount)
    case sessionClosed(id: String, TransportClose)
    /// A connection ended before it had a session.
    case connectionClosed(peer: PeerAddress, QUICClose)
    case sessionRefused(peer: PeerAddress, reason: String)
}
