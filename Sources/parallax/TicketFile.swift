internal import QUIC
internal import Server
internal import Wire

/// The file of `talk --tickets`.
struct TicketFile {
    private let path: String
    private var wallet = TicketWallet()

    private static let byteLimit = 1 << 20

    /// Reads the file, where there is one.
    /// - Throws: `CommandFailure` for a file of something else: it would be overwritten.
    init(path: String) throws(CommandFailure) {
        self.path = path
        guard UserFile.exists(path) else { return }
        let bytes = try UserFile.read(path, limit: Self.byteLimit)
        do throws(ParseError) {
            wallet = try TicketWallet(parsing: bytes, Self.clock)
        } catch {
            throw CommandFailure(
                code: "bad_tickets", description: "\(path) holds no session tickets, or damaged ones: remove it, or name another file")
        }
        wallet.removeExpired(now: Self.clock.now)
    }

    /// The tickets of one server, for a client that believes it in the same way.
    func wallet(server: String, trust: ClientTrust) -> TicketWallet {
        TicketWallet(wallet.tickets.filter { $0.serverName == server && $0.trust == trust })
    }

    /// Adds new tickets to the file; those that they replace are gone.
    func write(_ new: TicketWallet) throws(CommandFailure) {
        guard !new.tickets.isEmpty else { return }
        var wallet = wallet
        for ticket in new.tickets { wallet.put(ticket) }
        try UserFile.write(wallet.encoded(Self.clock), to: path, permissions: 0o600)
    }

    private static var clock: WallClock { WallClock(unixSeconds: SystemClock.wallClockSeconds(), now: SystemClock.now()) }
}
