internal import CNgtcp2
package import Wire

/// Makes connection IDs and their stateless-reset tokens, and serves as the connection's source of randomness.
///
/// An object of its own, because ngtcp2's random callback is handed a pointer that must exist before the connection does.
package final class ConnectionIDIssuer {
    private let layout: ConnectionIDLayout?
    private let place: ServerPlace
    private let resetSecret: [UInt8]
    var entropy: Entropy

    /// For a server: IDs that say where the connection lives.
    package init(layout: ConnectionIDLayout, place: ServerPlace, resetSecret: [UInt8], entropy: Entropy) {
        self.layout = layout
        self.place = place
        self.resetSecret = resetSecret
        self.entropy = entropy
    }

    /// For a client: plain random IDs.
    package init(entropy: Entropy) {
        layout = nil
        place = ServerPlace(server: 0, shard: 0)
        self.entropy = entropy
        resetSecret = self.entropy.bytes(32)
    }

    package func make(byteCount: Int) -> ConnectionID {
        if let layout, byteCount == ConnectionIDLayout.byteCount { return layout.make(at: place, entropy: &entropy) }
        guard let id = ConnectionID(entropy.bytes(byteCount)) else {
            preconditionFailure("a connection ID has at most 20 bytes")
        }
        return id
    }

    /// The token by which the peer recognises a stateless reset of `id` (RFC 9000 section 10.3.2).
    func resetToken(for id: ConnectionID) -> [UInt8] { statelessResetToken(secret: resetSecret, id: id) }
}

func statelessResetToken(secret: [UInt8], id: ConnectionID) -> [UInt8] {
    var token = [UInt8](repeating: 0, count: Int(NGTCP2_STATELESS_RESET_TOKENLEN))
    var cid = ngtcp2_cid(id)
    let status = ngtcp2_crypto_generate_stateless_reset_token(&token, secret, secret.count, &cid)
    precondition(status == 0, "GnuTLS has HKDF")
    return token
}
