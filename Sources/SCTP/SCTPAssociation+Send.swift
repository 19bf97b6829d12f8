package import Wire

extension SCTPAssociation {
    /// Takes a message to be sent, before the association is connected too: what is there in time travels with the handshake.
    ///
    /// - Parameters:
    ///   - stream: below the number that both ends agreed on; RFC 8832 section 6 says who chooses which.
    ///   - protocolID: the PPID, in which data channels tell text from bytes (RFC 8831 section 8).
    ///   - isOrdered: delivered after what was sent before it on the same stream.
    /// - Throws: `queueFull`, after which `SCTPEvent.writable` comes; `tooLarge` and `invalidMessage` for what can never be
    ///   sent; `notConnected` before `start` and after the end.
    package func send(
        _ bytes: [UInt8], stream: UInt16, protocolID: UInt32, isOrdered: Bool = true,
        reliability: SCTPReliability = .reliable, now: Instant
    ) throws(SCTPRefusal) {
        guard state.socket != nil else { throw .notConnected }
        guard !bytes.isEmpty, stream < outgoingStreamCount else { throw .invalidMessage }
        // usrsctp takes a message whole or not at all.
        guard bytes.count <= configuration.limits.sendBufferByteCount / 2 else { throw .tooLarge }
        var expiry: Instant?
        if case .maxLifetime(let lifetime) = reliability { expiry = now + lifetime }
        let message = SendQueue.Message(
            bytes: bytes, stream: stream, protocolID: protocolID, isOrdered: isOrdered, reliability: reliability, expiry: expiry)
        guard queue.append(message) else {
            owesWritable = true
            throw .queueFull
        }
        perform(now: now) { _ in }
    }

    /// Resets our outgoing stream (RFC 6525) when everything sent on it is delivered: how a data channel is closed
    /// (RFC 8831 section 6.7). The peer is told; it answers by resetting its own.
    package func resetStream(_ stream: UInt16, now: Instant) {
        guard state.socket != nil, stream < outgoingStreamCount else { return }
        guard !pendingResets.contains(stream), pendingResets.count < configuration.limits.pendingResetCount else { return }
        pendingResets.append(stream)
        perform(now: now) { _ in }
    }

    /// How many bytes wait to be handed to the network: a measure of how far behind a sender is.
    package var queuedByteCount: Int { queue.byteCount }
}
