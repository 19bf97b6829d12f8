internal import CNgtcp2
package import Wire

/// QUIC versions by number.
package enum QUICVersion {
    /// RFC 9000.
    package static let v1: UInt32 = 1
}

/// What the first bytes of a datagram say before any connection is known (RFC 8999: the same in every version).
package enum QUICPacketHeader: Hashable, Sendable {
    case long(version: UInt32, destination: ConnectionID, source: ConnectionID)
    /// Only the first bytes of the connection ID: a short header does not say how long it is.
    case short(destination: ConnectionID)

    package var destination: ConnectionID {
        switch self {
        case .long(_, let destination, _), .short(let destination): destination
        }
    }

    /// Whether the first byte of a datagram begins a 0-RTT packet (RFC 9000 section 17.2.3).
    package static func isEarlyData(firstByte: UInt8) -> Bool { firstByte & 0xB0 == 0x90 }

    /// - Parameter shortIDByteCount: how long this endpoint's own connection IDs are.
    package init(parsing datagram: Span<UInt8>, shortIDByteCount: Int) throws(ParseError) {
        var reader = ByteReader(datagram)
        let first = try reader.readUInt8()
        guard first & 0x80 != 0 else {
            guard let id = ConnectionID(try reader.readSpan(shortIDByteCount)) else { throw .malformed("connection ID over 20 bytes") }
            self = .short(destination: id)
            return
        }
        let version = try reader.readUInt32()
        guard let destination = ConnectionID(try reader.readSpan(Int(try reader.readUInt8()))),
            let source = ConnectionID(try reader.readSpan(Int(try reader.readUInt8())))
        else { throw .malformed("connection ID over 20 bytes") }
        self = .long(version: version, destination: destination, source: source)
    }
}

/// The stateless half of a server: packets that are answered without a connection.
package struct StatelessReplies: Sendable {
    private let resetSecret: [UInt8]
    private let tokenSecret: [UInt8]
    /// How long a Retry token may be used.
    private let tokenLifetime = Duration.seconds(10)

    /// - Parameters:
    ///   - resetSecret: the secret of the connection IDs' reset tokens; keep it to reset connections after a restart.
    ///   - tokenSecret: encrypts address-validation tokens.
    package init(resetSecret: [UInt8], tokenSecret: [UInt8]) {
        self.resetSecret = resetSecret
        self.tokenSecret = tokenSecret
    }

    /// The header of an Initial that may begin a connection; `nil` for every other packet (RFC 9000 section 17.2.2),
    /// and for one in a datagram under 1,200 bytes (section 14.1).
    package func acceptableInitial(_ datagram: UnsafeRawBufferPointer) -> InitialHeader? {
        guard let bytes = datagram.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        var header = ngtcp2_pkt_hd()
        guard ngtcp2_accept(&header, bytes, datagram.count) == 0, header.version == QUICVersion.v1 else { return nil }
        // A client's own choice has 8 bytes at least (RFC 9000 section 7.2), and ours after a Retry has more. ngtcp2 lets a
        // shorter one pass as soon as there is any token.
        guard header.dcid.datalen >= 8 else { return nil }
        let token = Array(UnsafeBufferPointer(start: header.token.base, count: header.token.len))
        return InitialHeader(
            version: header.version, destination: ConnectionID(header.dcid), source: ConnectionID(header.scid), token: token)
    }

    /// Version Negotiation, with a reserved version among ours so that clients learn to skip what they do not know
    /// (RFC 9000 sections 6.1 and 15).
    /// - Parameters: the connection IDs of the client's packet; the answer swaps them.
    package func versionNegotiation(destination: ConnectionID, source: ConnectionID, entropy: inout Entropy) -> [UInt8] {
        let reserved = UInt32(truncatingIfNeeded: entropy.next()) & 0xF0F0_F0F0 | 0x0A0A_0A0A
        let versions: [UInt32] = [reserved, QUICVersion.v1]
        let random = UInt8(truncatingIfNeeded: entropy.next())
        let (to, from) = (source.bytes, destination.bytes)
        return packet { buffer in
            ngtcp2_pkt_write_version_negotiation(
                buffer.baseAddress, buffer.count, random, to, to.count, from, from.count, versions, versions.count)
        }
    }

    /// A Retry that moves the client to `retrySource` with a token for its address (RFC 9000 section 8.1.2).
    package func retry(
        _ header: InitialHeader, retrySource: ConnectionID, client: PeerAddress, now: Instant
    ) -> [UInt8] {
        var retrySource = ngtcp2_cid(retrySource)
        var original = ngtcp2_cid(header.destination)
        var source = ngtcp2_cid(header.source)
        let token = packet { buffer in
            withSocketAddress(client) { address, length in
                ngtcp2_crypto_generate_retry_token(
                    buffer.baseAddress, tokenSecret, tokenSecret.count, header.version, address, length, &retrySource,
                    &original, now.nanoseconds)
            }
        }
        guard !token.isEmpty else { return [] }
        return packet { buffer in
            ngtcp2_crypto_write_retry(
                buffer.baseAddress, buffer.count, header.version, &source, &retrySource, &original, token, token.count)
        }
    }

    /// Where the client sent its first Initial, when the token in `header` is one of ours for this address and fresh.
    package func validate(_ header: InitialHeader, client: PeerAddress, now: Instant) -> ConnectionID? {
        guard !header.token.isEmpty else { return nil }
        var original = ngtcp2_cid()
        var destination = ngtcp2_cid(header.destination)
        let status = withSocketAddress(client) { address, length in
            ngtcp2_crypto_verify_retry_token(
                &original, header.token, header.token.count, tokenSecret, tokenSecret.count, header.version, address, length,
                &destination, UInt64(tokenLifetime.nanoseconds), now.nanoseconds)
        }
        return status == 0 ? ConnectionID(original) : nil
    }

    /// Whether a token looks like one of a Retry: a bad one is refused with INVALID_TOKEN (RFC 9000 section 8.1.3).
    package func isRetryToken(_ token: [UInt8]) -> Bool { token.first == UInt8(NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) }

    /// CONNECTION_CLOSE with INVALID_TOKEN, without keeping anything (RFC 9000 section 8.1.3).
    package func invalidToken(_ header: InitialHeader) -> [UInt8] { close(header, code: 0x0B) }

    /// CONNECTION_CLOSE with CONNECTION_REFUSED, without keeping anything (RFC 9000 section 5.2.2).
    package func refusal(_ header: InitialHeader) -> [UInt8] { close(header, code: 0x02) }

    private func close(_ header: InitialHeader, code: UInt64) -> [UInt8] {
        var destination = ngtcp2_cid(header.source)
        var source = ngtcp2_cid(header.destination)
        return packet { buffer in
            ngtcp2_crypto_write_connection_close(
                buffer.baseAddress, buffer.count, header.version, &destination, &source, code, nil, 0)
        }
    }

    /// A stateless reset for a packet of `byteCount` bytes that no connection knows (RFC 9000 section 10.3); empty when
    /// that packet is too short to be answered by something shorter, which keeps two endpoints from resetting each other for ever.
    package func reset(destination: ConnectionID, byteCount: Int, entropy: inout Entropy) -> [UInt8] {
        // 5 bytes of header and random, 16 of token; at least 22 so that it could be a real packet.
        let size = min(byteCount - 1, 43)
        guard size >= 22 else { return [] }
        let token = statelessResetToken(secret: resetSecret, id: destination)
        let random = entropy.bytes(size - token.count)
        return packet { buffer in
            ngtcp2_pkt_write_stateless_reset(buffer.baseAddress, buffer.count, token, random, random.count)
        }
    }

    private func packet(_ write: (UnsafeMutableBufferPointer<UInt8>) -> Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 1200) { buffer, count in count = max(0, write(buffer)) }
    }
}
