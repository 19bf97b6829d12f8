internal import CNgtcp2
internal import Wire

// What ngtcp2 calls. Each function copies what it was lent, appends to a queue of the connection and returns: nothing
// here writes packets, and nothing calls upward.

extension QUICConnection {
    static func makeCallbacks(role: Role) -> ngtcp2_callbacks {
        var callbacks = ngtcp2_callbacks()
        switch role {
        case .client:
            callbacks.client_initial = ngtcp2_crypto_client_initial_cb
            callbacks.recv_retry = receiveRetry
            callbacks.recv_version_negotiation = receiveVersionNegotiation
        case .server:
            callbacks.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb
        }
        callbacks.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb
        callbacks.encrypt = ngtcp2_crypto_encrypt_cb
        callbacks.decrypt = ngtcp2_crypto_decrypt_cb
        callbacks.hp_mask = ngtcp2_crypto_hp_mask_cb
        callbacks.update_key = ngtcp2_crypto_update_key_cb
        callbacks.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb
        callbacks.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb
        callbacks.version_negotiation = ngtcp2_crypto_version_negotiation_cb
        callbacks.handshake_completed = handshakeCompleted
        callbacks.handshake_confirmed = handshakeConfirmed
        callbacks.rand = random
        callbacks.get_path_challenge_data = getPathChallengeData
        callbacks.get_new_connection_id = getNewConnectionID
        callbacks.remove_connection_id = removeConnectionID
        callbacks.recv_stream_data = receiveStreamData
        callbacks.acked_stream_data_offset = acknowledgeStreamData
        callbacks.stream_close = closeStream
        callbacks.stream_reset = resetStream
        callbacks.extend_max_local_streams_bidi = extendBidirectionalStreams
        callbacks.extend_max_local_streams_uni = extendUnidirectionalStreams
        callbacks.extend_max_stream_data = extendStreamData
        callbacks.recv_datagram = receiveDatagram
        callbacks.ack_datagram = acknowledgeDatagram
        callbacks.lost_datagram = loseDatagram
        callbacks.recv_stateless_reset = receiveStatelessReset
        callbacks.path_validation = validatePath
        return callbacks
    }
}

/// The connection behind ngtcp2's user data. It outlives its `ngtcp2_conn`, which it deletes itself.
private func owner(_ userData: UnsafeMutableRawPointer?) -> QUICConnection? {
    userData.map { Unmanaged<QUICConnection>.fromOpaque($0).takeUnretainedValue() }
}

private func copy(_ data: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
    Array(UnsafeBufferPointer(start: data, count: count))
}

// MARK: Handshake, identifiers, paths

private func handshakeCompleted(_ handle: OpaquePointer?, _ userData: UnsafeMutableRawPointer?) -> Int32 {
    guard let handle, let connection = owner(userData) else { return 0 }
    guard connection.decideEarlyData() else { return NGTCP2_ERR_CALLBACK_FAILURE }
    // Not before: for a PING alone in an early packet ngtcp2 0.12 leaves too few bytes to protect its header, and aborts.
    if let keepAlive = connection.configuration.keepAlive {
        ngtcp2_conn_set_keep_alive_timeout(handle, UInt64(max(0, keepAlive.nanoseconds)))
    }
    connection.state = .established
    connection.events.append(.established(alpn: connection.alpn))
    return 0
}

private func handshakeConfirmed(_: OpaquePointer?, _ userData: UnsafeMutableRawPointer?) -> Int32 {
    owner(userData)?.isHandshakeConfirmed = true
    return 0
}

private func receiveRetry(
    _ handle: OpaquePointer?, _ header: UnsafePointer<ngtcp2_pkt_hd>?, _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    owner(userData)?.earlyFlight.wasRetried = true
    return ngtcp2_crypto_recv_retry_cb(handle, header, userData)
}

private func receiveVersionNegotiation(
    _: OpaquePointer?, _: UnsafePointer<ngtcp2_pkt_hd>?, _ versions: UnsafePointer<UInt32>?, _ count: Int,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    owner(userData)?.reportClose(.versionNegotiation(offered: Array(UnsafeBufferPointer(start: versions, count: count))))
    return 0
}

private func receiveStatelessReset(
    _: OpaquePointer?, _: UnsafePointer<ngtcp2_pkt_stateless_reset>?, _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    owner(userData)?.reportClose(.statelessReset)
    return 0
}

private func random(_ target: UnsafeMutablePointer<UInt8>?, _ count: Int, _ context: UnsafePointer<ngtcp2_rand_ctx>?) {
    guard let target, let source = context?.pointee.native_handle else { return }
    let issuer = Unmanaged<ConnectionIDIssuer>.fromOpaque(source).takeUnretainedValue()
    UnsafeMutableBufferPointer(start: target, count: count).update(from: issuer.entropy.bytes(count))
}

extension UnsafeMutableBufferPointer<UInt8> {
    fileprivate func update(from bytes: [UInt8]) { for index in 0..<Swift.min(count, bytes.count) { self[index] = bytes[index] } }
}

private func getPathChallengeData(_: OpaquePointer?, _ data: UnsafeMutablePointer<UInt8>?, _ userData: UnsafeMutableRawPointer?) -> Int32 {
    guard let data, let connection = owner(userData) else { return NGTCP2_ERR_CALLBACK_FAILURE }
    UnsafeMutableBufferPointer(start: data, count: 8).update(from: connection.issuer.entropy.bytes(8))
    return 0
}

private func getNewConnectionID(
    _: OpaquePointer?, _ cid: UnsafeMutablePointer<ngtcp2_cid>?, _ token: UnsafeMutablePointer<UInt8>?, _ byteCount: Int,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let cid, let token, let connection = owner(userData) else { return NGTCP2_ERR_CALLBACK_FAILURE }
    let id = connection.issuer.make(byteCount: byteCount)
    cid.pointee = ngtcp2_cid(id)
    let reset = connection.issuer.resetToken(for: id)
    UnsafeMutableBufferPointer(start: token, count: reset.count).update(from: reset)
    connection.note(.issued(id))
    return 0
}

private func removeConnectionID(_: OpaquePointer?, _ cid: UnsafePointer<ngtcp2_cid>?, _ userData: UnsafeMutableRawPointer?) -> Int32 {
    if let cid { owner(userData)?.note(.retired(ConnectionID(cid.pointee))) }
    return 0
}

private func validatePath(
    _: OpaquePointer?, _: UInt32, _ path: UnsafePointer<ngtcp2_path>?, _ result: ngtcp2_path_validation_result,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS, let connection = owner(userData),
        let named = path.flatMap({ NetworkPath($0.pointee) })
    else { return 0 }
    let path = connection.pathNames.actual(named)
    guard path != connection.currentPath else { return 0 }
    connection.currentPath = path
    connection.events.append(.pathChanged(path))
    return 0
}

func writeQlog(_ userData: UnsafeMutableRawPointer?, _: UInt32, _ data: UnsafeRawPointer?, _ count: Int) {
    guard let connection = owner(userData), let sink = connection.configuration.qlog else { return }
    sink(connection.originalDestination, Array(UnsafeRawBufferPointer(start: data, count: count)))
}

// MARK: Streams

private func receiveStreamData(
    _: OpaquePointer?, _ flags: UInt32, _ stream: Int64, _: UInt64, _ data: UnsafePointer<UInt8>?, _ count: Int,
    _ userData: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?
) -> Int32 {
    guard let connection = owner(userData) else { return 0 }
    connection.announceEarlyData()
    let isFinal = flags & UInt32(NGTCP2_STREAM_DATA_FLAG_FIN) != 0
    connection.received(copy(data, count), on: stream, isFinal: isFinal)
    return 0
}

private func acknowledgeStreamData(
    _: OpaquePointer?, _ stream: Int64, _ offset: UInt64, _ count: UInt64, _ userData: UnsafeMutableRawPointer?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    owner(userData)?.acknowledged(stream, upTo: Int(clamping: offset &+ count))
    return 0
}

private func closeStream(
    _ handle: OpaquePointer?, _ flags: UInt32, _ stream: Int64, _ code: UInt64, _ userData: UnsafeMutableRawPointer?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    let hasCode = flags & UInt32(NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0
    owner(userData)?.streamEnded(stream, code: hasCode ? code : nil)
    return 0
}

private func resetStream(
    _: OpaquePointer?, _ stream: Int64, _: UInt64, _ code: UInt64, _ userData: UnsafeMutableRawPointer?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    guard let connection = owner(userData) else { return 0 }
    connection.announceEarlyData()
    connection.events.append(.streamReset(StreamID(stream), code: code))
    connection.receivingEnded(stream)
    return 0
}

private func extendBidirectionalStreams(_: OpaquePointer?, _: UInt64, _ userData: UnsafeMutableRawPointer?) -> Int32 {
    owner(userData)?.events.append(.streamsAvailable(.bidirectional))
    return 0
}

private func extendUnidirectionalStreams(_: OpaquePointer?, _: UInt64, _ userData: UnsafeMutableRawPointer?) -> Int32 {
    owner(userData)?.events.append(.streamsAvailable(.unidirectional))
    return 0
}

private func extendStreamData(
    _: OpaquePointer?, _ stream: Int64, _: UInt64, _ userData: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?
) -> Int32 {
    owner(userData)?.enqueueForSending(stream)
    return 0
}

// MARK: Datagrams

private func receiveDatagram(
    _: OpaquePointer?, _: UInt32, _ data: UnsafePointer<UInt8>?, _ count: Int, _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let connection = owner(userData) else { return 0 }
    connection.announceEarlyData()
    connection.events.append(.datagram(copy(data, count)))
    return 0
}

private func acknowledgeDatagram(_: OpaquePointer?, _ id: UInt64, _ userData: UnsafeMutableRawPointer?) -> Int32 {
    owner(userData)?.datagramAcknowledged(id)
    return 0
}

private func loseDatagram(_: OpaquePointer?, _ id: UInt64, _ userData: UnsafeMutableRawPointer?) -> Int32 {
    guard let connection = owner(userData) else { return 0 }
    // Early data that a Retry swept away goes out once more.
    if connection.role == .client, connection.earlyData == .pending { return 0 }
    connection.outstandingDatagrams.settle(id)
    connection.events.append(.datagramLost(id: id))
    return 0
}
