internal import CNgtcp2
package import Wire

extension QUICConnection {
    /// Opens a stream; it becomes visible to the peer with its first byte.
    package func openStream(_ kind: StreamKind) throws(QUICRefusal) -> StreamID {
        guard let handle, canSend else { throw .notEstablished }
        // Those that were opened in early data come first: their numbers are given already.
        guard earlyFlight.streamsToReopen.isEmpty else { throw .noStreamCredit }
        var stream: Int64 = -1
        let status = switch kind {
        case .bidirectional: ngtcp2_conn_open_bidi_stream(handle, &stream, nil)
        case .unidirectional: ngtcp2_conn_open_uni_stream(handle, &stream, nil)
        }
        guard status == 0 else { throw .noStreamCredit }
        streams[stream] = StreamState()
        return StreamID(stream)
    }

    /// Queues bytes on a stream: all of them or none.
    package func write(_ bytes: [UInt8], to stream: StreamID, isFinal: Bool = false) throws(QUICRefusal) {
        guard canSend else { throw .notEstablished }
        let limits = configuration.limits
        guard let state = streams[stream.rawValue], !state.isSendClosed, !state.send.isFinished else { throw .noSuchStream }
        guard state.send.unacknowledgedByteCount + bytes.count <= limits.streamSendBuffer,
            bufferedByteCount + bytes.count <= limits.connectionSendBuffer
        else {
            state.owesWritable = true
            throw .bufferFull
        }
        state.send.append(bytes.span, isFinal: isFinal)
        bufferedByteCount += bytes.count
        enqueueForSending(stream.rawValue)
    }

    /// How many bytes were written to a stream of ours, and how many of them, from its beginning, the peer has acknowledged;
    /// `nil` for a stream that is over.
    package func progress(of stream: StreamID) -> (written: Int, acknowledged: Int)? {
        streams[stream.rawValue].map { ($0.send.endOffset, $0.send.acknowledgedOffset) }
    }

    /// Whether datagrams wait for the congestion window.
    package var hasQueuedDatagrams: Bool { !datagrams.isEmpty }

    /// Queues one datagram (RFC 9221). It is sent once; `datagramAcknowledged` or `datagramLost` tells its fate under `id`.
    package func sendDatagram(_ bytes: [UInt8], id: UInt64) throws(QUICRefusal) {
        guard canSend else { throw .notEstablished }
        let maximum = maximumDatagramPayload
        // ngtcp2 answers an oversize datagram exactly as it answers a closed window: it would block the queue for ever.
        guard maximum > 0 else { throw .datagramsUnsupported }
        guard bytes.count <= maximum else { throw .datagramTooLarge(maximum: maximum) }
        guard datagrams.count + earlyFlight.datagrams.count < configuration.limits.datagramSendQueue else { throw .datagramQueueFull }
        guard datagrams.append(QueuedDatagram(id: id, bytes: bytes)) else { throw .datagramQueueFull }
    }

    /// The greatest datagram payload that fits one packet of the path and the peer's limit; 0 when the peer takes none.
    package var maximumDatagramPayload: Int {
        guard let handle, let parameters = ngtcp2_conn_get_remote_transport_params(handle) else { return 0 }
        let frame = Int(clamping: parameters.pointee.max_datagram_frame_size)
        guard frame > 0 else { return 0 }
        // Short header: first octet, destination ID, four bytes of packet number, AEAD tag (RFC 9000 section 17.3.1);
        // DATAGRAM frame: type and length (RFC 9221 section 4).
        var header = 1 + Int(ngtcp2_conn_get_dcid(handle).pointee.datalen) + 4 + 16
        // Early data has a long header: version, two lengths, our ID of 8 bytes, and the packet's length (section 17.2.3).
        if role == .client, earlyData == .pending { header += 4 + 2 + 8 + 4 }
        let path = ngtcp2_conn_get_path_max_tx_udp_payload_size(handle)
        return max(0, min(path - header, frame) - 3)
    }

    /// Gives flow-control credit for bytes of `streamData` events back to the peer. Without it the peer stops.
    package func consumed(_ byteCount: Int, on stream: StreamID) {
        guard let handle, byteCount > 0 else { return }
        if let state = streams[stream.rawValue] {
            let credit = min(byteCount, state.unconsumedByteCount)
            state.unconsumedByteCount -= credit
            ngtcp2_conn_extend_max_stream_offset(handle, stream.rawValue, UInt64(credit))
            ngtcp2_conn_extend_max_offset(handle, UInt64(credit))
        } else if let held = endedUnconsumed[stream.rawValue] {
            let credit = min(byteCount, held)
            endedUnconsumed[stream.rawValue] = held > credit ? held - credit : nil
            ngtcp2_conn_extend_max_offset(handle, UInt64(credit))
        }
    }

    /// Abandons sending on a stream: RESET_STREAM. Unsent bytes are dropped.
    package func reset(_ stream: StreamID, code: UInt64) {
        guard let handle, canSend, let state = streams[stream.rawValue], !state.isSendClosed else { return }
        state.isSendClosed = true
        state.wasReset = true
        // RESET_STREAM goes around the room that is left for the handshake's end (`writeDataPacket`): it waits for it.
        guard role == .server || isHandshakeConfirmed else {
            delayedResets.append((stream.rawValue, code))
            return
        }
        ngtcp2_conn_shutdown_stream_write(handle, stream.rawValue, code)
    }

    /// The handshake is confirmed: sends the resets that waited for it.
    func sendDelayedResets() {
        guard let handle, !delayedResets.isEmpty else { return }
        for reset in delayedResets where streams[reset.stream] != nil {
            ngtcp2_conn_shutdown_stream_write(handle, reset.stream, reset.code)
        }
        delayedResets = []
    }

    /// Asks the peer to abandon sending on a stream: STOP_SENDING. What still arrives is credited and dropped.
    package func stopSending(_ stream: StreamID, code: UInt64) {
        guard let handle, canSend, streams[stream.rawValue] != nil else { return }
        ngtcp2_conn_shutdown_stream_read(handle, stream.rawValue, code)
        receivingEnded(stream.rawValue)
    }

    /// Closes the connection with an application's code. The peer learns it from the next `pollTransmit`.
    /// - Parameter reason: for people; cut to what fits one packet.
    package func close(code: UInt64, reason: String) {
        guard !isClosing else { return }
        reportClose(.local(code: code))
        state = .closeRequested(.application(code: code, reason: Array(reason.utf8.prefix(256))))
    }

    /// Begins new keys for both directions (RFC 9001 section 6).
    /// - Returns: whether they were begun: not before the handshake is confirmed and the last update acknowledged.
    package func updateKeys(now: Instant) -> Bool {
        guard let handle, isEstablished else { return false }
        return ngtcp2_conn_initiate_key_update(handle, now.nanoseconds) == 0
    }

    /// Client: moves to another path at once, with a fresh connection ID (RFC 9000 section 9.2).
    /// - Returns: whether the migration was begun: it needs an unused ID of the server's.
    package func migrate(to path: NetworkPath, now: Instant) -> Bool {
        guard let handle, isEstablished, role == .client else { return false }
        let storage = PathStorage(path)
        guard ngtcp2_conn_initiate_immediate_migration(handle, storage.path, now.nanoseconds) == 0 else { return false }
        currentPath = path
        return true
    }
}
