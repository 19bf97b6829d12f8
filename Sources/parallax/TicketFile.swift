internal import Endpoint
internal import QUIC

/// The file of `talk --tickets`: session tickets one after another, each behind its length in 32 bits.
struct TicketFile {
    private let path: String
    private var wallet = TicketWallet()

    private static let byteLimit = 1 << 20

    /// Reads the file, where there is one.
    /// - Throws: `CommandFailure` for a file of something else: it would be overwritten.
    init(path: String) throws(CommandFailure) {
        self.path = path
        guard UserFile.exists(path) else { return }
        var rest = try UserFile.read(path, limit: Self.byteLimit)[...]
        while !rest.isEmpty {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard rest.count >= 4 + length, length > 0,
                let ticket = try? SessionTicket(parsing: Array(rest.dropFirst(4).prefix(length)))
            else {
                throw CommandFailure(
                    code: "bad_tickets", description: "\(path) holds no session tickets, or damaged ones: remove it, or name another file")
            }
            wallet.put(ticket)
            rest = rest.dropFirst(4 + length)
        }
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
        var bytes: [UInt8] = []
        for ticket in wallet.tickets {
            let encoded = ticket.encoded
            bytes += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: encoded.count >> $0) }
            bytes += encoded
        }
        try UserFile.write(bytes, to: path, permissions: 0o600)
    }
}
