import Endpoint
import QUIC
import Session
import Wire

/// An earlier connection to the server of a trial, in a world of its own, from which the client has its ticket.
///
/// The server of that world has the secret of the trial's, which takes its place afterwards and must have been made before it: no
/// server takes early data for tickets that are older than itself.
enum EarlierVisit {
    static let secret = Array("tickets of a trial".utf8)

    /// - Parameter successor: knows the ticket from now on as one of its own.
    /// - Returns: nothing for transports without early data.
    static func tickets(
        secret: [UInt8], transport: TrialTransport, credentials: TrialCredentials, successor: SignallingServer
    ) -> TicketWallet {
        var wallet = TicketWallet()
        guard transport == .webTransport || transport == .roq else { return wallet }
        var configuration = ServerConfiguration(credentials: credentials.quic)
        var early = EarlyDataConfiguration()
        early.secret = secret
        configuration.earlyData = early
        let server = SignallingServer(ServerEndpoint(configuration: configuration, entropy: Entropy(seed: 1), now: .zero))
        let client = SignallingClient(
            transport: transport, talker: ClientConfiguration(), credentials: credentials, tickets: wallet,
            entropy: Entropy(seed: 2), now: .zero)
        var world = World(client: client, server: server, profile: .clean, seed: TrialSeed(sweep: 0, profile: "", clip: "", trial: 0))
        world.pump()
        let limit = Instant.zero + .seconds(5)
        while wallet.tickets.isEmpty, world.now < limit {
            guard (try? world.step(until: limit)) == true else { break }
            while let notice = world.client.endpoint.pollNotice() {
                if case .ticket(let ticket) = notice { wallet.put(ticket) }
            }
        }
        if let memory = world.server.endpoint.ticketMemory { successor.endpoint.adopt(memory) }
        return wallet
    }
}
