internal import ICE
package import QUIC
package import Session
package import Wire

/// A whole server without its sockets: every transport on one UDP port, the sessions, and who answers in them.
///
/// The contract: hand it one datagram (`receive`) or let time pass (`handleTimeout`), then drain `pollTransmit` until
/// `nil`, and come back at `deadline`. Several datagrams may be received before one drain. Confined to one thread.
///
/// Read `ServerEndpoint+Flow.swift` first: a datagram's way through the house.
package final class ServerEndpoint {
    package let configuration: ServerConfiguration
    package internal(set) var counters = ServerCounters()

    var entropy: Entropy
    let replies: StatelessReplies
    let resetSecret: [UInt8]
    /// `nil` where no tickets are given.
    let tickets: TicketDesk?
    /// Connections by slot; a slot is reused when its connection is forgotten.
    var connections: [ServedConnection?] = []
    var freeSlots: [Int] = []
    /// The only dictionary on a datagram's way.
    var slots: [Route: Int] = [:]
    /// Addresses that more than one call has proved.
    var sharedAddresses: Set<Route> = []
    /// Calls by their names in HTTP.
    var calls: [String: Int] = [:]
    let ufrags: UfragLayout
    var deadlines = DeadlineHeap()
    /// Connections that may have something to send, each once.
    var ready: [Int] = []
    var readyHead = 0
    /// Streams that may have something to write, each once.
    var readyStreams: [StreamHandle] = []
    var streamSerial: UInt64 = 0
    var statelessReplies: BoundedQueue<StatelessReply>
    var strays: BoundedQueue<StrayInitial>
    var halfOpenCount = 0
    var halfOpenBySource: [PeerAddress: Int] = [:]
    var notices: BoundedQueue<ServerNotice>
    var clientSecrets: ClientSecrets
    var sessions: SessionTable
    /// The account of the prompt last decided in any session, where accounts are kept.
    var lastAccount: PromptAccount?
    package internal(set) var isDraining = false

    struct StatelessReply {
        let bytes: [UInt8]
        let path: NetworkPath
    }

    struct StrayInitial {
        let destination: ConnectionID
        let bytes: [UInt8]
        let path: NetworkPath
        let ecn: ECN
    }

    /// - Parameter entropy: every random number of the endpoint comes from it.
    package init(configuration: ServerConfiguration, entropy: Entropy, now: Instant) {
        self.configuration = configuration
        var entropy = entropy
        resetSecret = configuration.resetSecret ?? entropy.bytes(32)
        replies = StatelessReplies(resetSecret: resetSecret, tokenSecret: entropy.bytes(32))
        sessions = SessionTable(entropy: &entropy)
        if let early = configuration.earlyData {
            tickets = TicketDesk(
                secret: early.secret ?? entropy.bytes(32), binding: configuration.rememberedByClients, limits: early.limits)
        } else {
            tickets = nil
        }
        self.entropy = entropy
        ufrags = UfragLayout(configuration: configuration.connectionIDs.configuration)
        statelessReplies = BoundedQueue(limit: configuration.limits.statelessReplies)
        strays = BoundedQueue(limit: configuration.limits.strayInitials)
        notices = BoundedQueue(limit: configuration.limits.notices)
        clientSecrets = ClientSecrets(limits: configuration.clientSecrets)
    }

    // MARK: Getters

    /// When `handleTimeout` must be called; `nil` when nothing is waited for.
    package var deadline: Instant? { earliest(deadlines.earliest, sessions.deadline) }
    /// No connection and no session is left.
    package var isIdle: Bool { connections.count == freeSlots.count && sessions.count == 0 }
    package var sessionCount: Int { sessions.count }
    package var detachedSessionCount: Int { sessions.detachedCount }
    package var connectionCount: Int { connections.count - freeSlots.count }

    package func pollNotice() -> ServerNotice? { notices.popFirst() }

    /// The account of the prompt last decided in any session, where `SessionConfiguration.keepsAccounts` is set: the
    /// lab has one session and reads it here.
    package func lastDecidedPrompt() -> PromptAccount? {
        for served in sessions.all { if let account = served.session.lastDecidedPrompt { return account } }
        return lastAccount
    }

    /// The same of one session; `nil` when it has none, or is gone.
    package func lastDecidedPrompt(ofSession id: String) -> PromptAccount? {
        sessions.all.first { $0.session.id == id }?.session.lastDecidedPrompt
    }

    /// The tickets that it gave; `nil` where it gives none.
    package var ticketMemory: TicketMemory? { tickets?.memory }

    // MARK: Commands

    /// Takes the place of a server that gave these tickets: it has the same secret, and is gone.
    package func adopt(_ memory: TicketMemory) { tickets?.adopt(memory) }

    /// Refuses new sessions from now on and asks the peers of the present ones to finish.
    package func drain(now: Instant) {
        isDraining = true
        endDetachedSessions()
        for (slot, connection) in connections.enumerated() {
            guard let connection else { continue }
            connection.transport?.drain()
            serve(slot, connection, now: now)
        }
    }

    /// Closes every connection. Drain `pollTransmit` and the timeouts until `isIdle` so that the peers hear of it.
    package func close(now: Instant) {
        isDraining = true
        endDetachedSessions()
        for (slot, connection) in connections.enumerated() {
            guard let connection else { continue }
            if connection.transport == nil {
                connection.carrier.abandon(reason: "the server is going away", now: now)
            } else {
                connection.transport?.close(code: 0, reason: "the server is going away", now: now)
            }
            serve(slot, connection, now: now)
        }
    }
}
