package import Wire

/// What a client keeps of a connection so that the next one may begin with early data (0-RTT): the TLS session, and what it
/// must remember beside it (RFC 9001 sections 4.6.1 and 7.4.1, RFC 9114 section 7.2.4.2).
///
/// It holds a secret: who has it reads what was sent early with it.
package struct SessionTicket: Hashable, Sendable {
    /// The server that gave it, by the name that was asked for.
    package let serverName: String
    /// The protocol that was agreed on.
    package let alpn: String
    /// How the server was believed: a resumed handshake shows no certificate again.
    package let trust: ClientTrust
    /// From when on no server takes it, by what the one that gave it said.
    package let expiry: Instant
    /// The TLS session as GnuTLS packs it.
    package let session: [UInt8]
    package let parameters: RememberedParameters
    /// What the protocol above has to remember: HTTP/3's SETTINGS, as they travelled; nothing for others.
    package var application: [UInt8] = []

    package init(
        serverName: String, alpn: String, trust: ClientTrust, expiry: Instant, session: [UInt8], parameters: RememberedParameters,
        application: [UInt8] = []
    ) {
        self.serverName = serverName
        self.alpn = alpn
        self.trust = trust
        self.expiry = expiry
        self.session = session
        self.parameters = parameters
        self.application = application
    }

    package func isExpired(at now: Instant) -> Bool { expiry <= now }

    /// RFC 8446 section 4.6.1: clients keep no ticket longer, whatever it says.
    static let longestLifetime = Duration.seconds(7 * 86_400)

    /// The most bytes of an encoded ticket: a TLS session holds the server's certificates.
    package static let maximumByteCount = 64 * 1024
}

/// The server's transport parameters that bind early data (RFC 9000 section 7.4.1, RFC 9221 section 3).
package struct RememberedParameters: Hashable, Sendable {
    package var initialMaxData: UInt64
    package var initialMaxStreamDataBidiLocal: UInt64
    package var initialMaxStreamDataBidiRemote: UInt64
    package var initialMaxStreamDataUni: UInt64
    package var initialMaxStreamsBidi: UInt64
    package var initialMaxStreamsUni: UInt64
    package var activeConnectionIDLimit: UInt64
    package var maxDatagramFrameSize: UInt64

    /// In the order in which a ticket has them.
    var values: [UInt64] {
        [
            initialMaxData, initialMaxStreamDataBidiLocal, initialMaxStreamDataBidiRemote, initialMaxStreamDataUni,
            initialMaxStreamsBidi, initialMaxStreamsUni, activeConnectionIDLimit, maxDatagramFrameSize,
        ]
    }

    package init(
        initialMaxData: UInt64, initialMaxStreamDataBidiLocal: UInt64, initialMaxStreamDataBidiRemote: UInt64,
        initialMaxStreamDataUni: UInt64, initialMaxStreamsBidi: UInt64, initialMaxStreamsUni: UInt64,
        activeConnectionIDLimit: UInt64, maxDatagramFrameSize: UInt64
    ) {
        self.initialMaxData = initialMaxData
        self.initialMaxStreamDataBidiLocal = initialMaxStreamDataBidiLocal
        self.initialMaxStreamDataBidiRemote = initialMaxStreamDataBidiRemote
        self.initialMaxStreamDataUni = initialMaxStreamDataUni
        self.initialMaxStreamsBidi = initialMaxStreamsBidi
        self.initialMaxStreamsUni = initialMaxStreamsUni
        self.activeConnectionIDLimit = activeConnectionIDLimit
        self.maxDatagramFrameSize = maxDatagramFrameSize
    }

    init(parsing reader: inout ByteReader) throws(ParseError) {
        initialMaxData = try reader.readVarInt()
        initialMaxStreamDataBidiLocal = try reader.readVarInt()
        initialMaxStreamDataBidiRemote = try reader.readVarInt()
        initialMaxStreamDataUni = try reader.readVarInt()
        initialMaxStreamsBidi = try reader.readVarInt()
        initialMaxStreamsUni = try reader.readVarInt()
        activeConnectionIDLimit = try reader.readVarInt()
        maxDatagramFrameSize = try reader.readVarInt()
        // RFC 9000 sections 4.6 and 18.2: what no server may have sent.
        guard initialMaxStreamsBidi <= 1 << 60, initialMaxStreamsUni <= 1 << 60 else {
            throw .malformed("a ticket allows more streams than there can be")
        }
        guard activeConnectionIDLimit >= 2 else { throw .malformed("a ticket allows too few connection IDs") }
    }
}

extension SessionTicket {
    /// Names the form and its version; the form ends with a SHA-256 over all before it, so that a damaged file is known as such.
    private static let magic = Array("parallax ticket 2\n".utf8)
    private static let checksumByteCount = 32

    /// - Parameter clock: turns its expiry into a second of the wall clock, which it is cut down to.
    package func encoded(_ clock: WallClock) -> [UInt8] {
        var bytes = Self.magic
        func append(_ field: [UInt8]) {
            bytes.append(varInt: UInt64(field.count))
            bytes += field
        }
        append(Array(serverName.utf8))
        append(Array(alpn.utf8))
        switch trust {
        case .system: append([0])
        case .insecure: append([1])
        case .certificateSHA256(let hash): append([2] + hash)
        }
        bytes.append(varInt: min(clock.unixSeconds(at: expiry), VarInt.max))
        append(session)
        for value in parameters.values { bytes.append(varInt: min(value, VarInt.max)) }
        append(application)
        return bytes + sha256(bytes)
    }

    /// Reads what `encoded` wrote.
    /// - Throws: for anything else; a ticket is no use in part.
    package init(parsing bytes: [UInt8], _ clock: WallClock) throws(ParseError) {
        guard bytes.count <= Self.maximumByteCount else { throw .overLimit("a ticket is longer than 64 KiB") }
        guard bytes.starts(with: Self.magic) else { throw .malformed("not a session ticket") }
        guard bytes.count >= Self.magic.count + Self.checksumByteCount else { throw .truncated }
        let body = Array(bytes.dropLast(Self.checksumByteCount))
        guard bytes.suffix(Self.checksumByteCount).elementsEqual(sha256(body)) else {
            throw .malformed("a session ticket is damaged")
        }
        var reader = ByteReader(body.span)
        try reader.skip(Self.magic.count)
        serverName = try Self.text(&reader)
        alpn = try Self.text(&reader)
        let trust = try Self.field(&reader)
        switch (trust.first, trust.count) {
        case (0, 1): self.trust = .system
        case (1, 1): self.trust = .insecure
        case (2, 33): self.trust = .certificateSHA256(Array(trust.dropFirst()))
        default: throw .malformed("a session ticket names no trust")
        }
        // The wall clock may have been put back.
        expiry = min(clock.instant(unixSeconds: try reader.readVarInt()), clock.now + Self.longestLifetime)
        session = try Self.field(&reader)
        parameters = try RememberedParameters(parsing: &reader)
        application = try Self.field(&reader)
        guard reader.isAtEnd else { throw .malformed("something follows the session ticket") }
    }

    private static func field(_ reader: inout ByteReader) throws(ParseError) -> [UInt8] {
        try reader.readBytes(Int(clamping: try reader.readVarInt()))
    }

    private static func text(_ reader: inout ByteReader) throws(ParseError) -> String {
        let bytes = try field(&reader)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed("a name in a ticket is no text") }
        return text
    }
}
