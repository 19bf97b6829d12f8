package import Wire

// What our own layer reads of TLS's messages, beside GnuTLS: ClientHellos come from strangers.

/// A NewSessionTicket without its header (RFC 8446 section 4.6.1).
package struct NewSessionTicket: Hashable, Sendable {
    package let lifetime: Duration
    /// As the client will show it.
    package let ticket: [UInt8]

    package init(parsing message: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(message)
        lifetime = min(.seconds(Int64(try reader.readUInt32())), SessionTicket.longestLifetime)
        // What the client adds to its age.
        try reader.skip(4)
        try reader.skip(Int(try reader.readUInt8()))
        ticket = try reader.readBytes(Int(try reader.readUInt16()))
        guard !ticket.isEmpty else { throw .malformed("a ticket is empty") }
        try reader.skip(Int(try reader.readUInt16()))
        guard reader.isAtEnd else { throw .malformed("something follows a ticket") }
    }
}

/// What a ClientHello offers, as far as a server's tickets depend on it.
package struct TicketOffer: Hashable, Sendable {
    /// The protocols of its ALPN extension (RFC 7301 section 3.1), best first; those before the first that is cut short.
    package private(set) var protocols: [[UInt8]] = []
    /// The tickets of its pre_shared_key extension (RFC 8446 section 4.2.11); none where it is not whole.
    package private(set) var tickets: [[UInt8]] = []

    package init() {}

    /// The one ticket that may bring early data. Early data belongs to the first (RFC 8446 section 4.2.10), and no client that
    /// has any to send needs to show two.
    var ticketOfEarlyData: [UInt8]? { tickets.count == 1 ? tickets.first : nil }

    mutating func add(extension identifier: UInt32, _ data: Span<UInt8>) {
        switch identifier {
        case 16: protocols = Self.protocols(data)
        case 41: tickets = (try? Self.identities(data)) ?? []
        default: break
        }
    }

    private static func protocols(_ data: Span<UInt8>) -> [[UInt8]] {
        var names: [[UInt8]] = []
        var reader = ByteReader(data)
        guard (try? reader.skip(2)) != nil else { return [] }
        while let length = try? reader.readUInt8(), let name = try? reader.readBytes(Int(length)) { names.append(name) }
        return names
    }

    private static func identities(_ data: Span<UInt8>) throws(ParseError) -> [[UInt8]] {
        var reader = ByteReader(data)
        let end = Int(try reader.readUInt16()) + 2
        guard end <= data.count else { throw .truncated }
        var identities: [[UInt8]] = []
        while reader.offset < end {
            identities.append(try reader.readBytes(Int(try reader.readUInt16())))
            // The obfuscated age.
            try reader.skip(4)
        }
        guard reader.offset == end else { throw .malformed("an identity is cut short") }
        return identities
    }
}
