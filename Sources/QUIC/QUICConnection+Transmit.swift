internal import CNgtcp2
package import Wire

extension QUICConnection {
    /// The most segments that one transmit holds: the kernel's limit for GSO.
    package static let maximumSegmentCount = 64

    /// Writes the next datagrams into `buffer` and says where they go; `nil` when there is nothing to send now.
    ///
    /// Several datagrams stand in one transmit when they have one size and one path (the last may be shorter).
    /// - Parameter buffer: at least 1,500 bytes; more lets more segments in.
    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        self.now = max(self.now, now)
        if let held = heldPacket {
            heldPacket = nil
            buffer.copyBytes(from: held.bytes)
            return collectSegments(after: held.transmit, in: buffer)
        }
        guard let first = writePacket(into: buffer) else {
            if wroteSinceTimeUpdate, let handle {
                // Once after each burst: it sets the pacer (ngtcp2's contract).
                wroteSinceTimeUpdate = false
                switch state {
                case .handshaking, .established: ngtcp2_conn_update_pkt_tx_time(handle, self.now.nanoseconds)
                case .closeRequested, .closing, .draining, .closed: break
                }
            }
            return nil
        }
        return collectSegments(after: first, in: buffer)
    }

    /// Fills the rest of the buffer with packets of the first one's size.
    private func collectSegments(after first: Transmit, in buffer: UnsafeMutableRawBufferPointer) -> Transmit {
        let segment = first.byteCount
        var total = segment
        var count = 1
        while count < Self.maximumSegmentCount, total + Self.packetByteCount <= buffer.count, hasMoreToWrite {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[total...])
            guard let next = writePacket(into: rest) else { break }
            guard next.byteCount <= segment, next.path == first.path, next.ecn == first.ecn else {
                heldPacket = HeldPacket(transmit: next, bytes: Array(rest.prefix(next.byteCount)))
                break
            }
            total += next.byteCount
            count += 1
            // A shorter segment can only be the last (Linux udp(7), UDP_SEGMENT).
            if next.byteCount < segment { break }
        }
        return Transmit(
            path: first.path, ecn: first.ecn, byteCount: total, segmentByteCount: count > 1 ? segment : nil)
    }

    /// Whether it is worth asking ngtcp2 for another packet in the same run: data is queued. Acknowledgements and probes
    /// alone do not come in runs.
    private var hasMoreToWrite: Bool { !datagrams.isEmpty || !sendQueue.isEmpty }

    /// No packet of ours is longer (ngtcp2's default maximum without path MTU discovery is less).
    static let packetByteCount = 1472

    private func writePacket(into buffer: UnsafeMutableRawBufferPointer) -> Transmit? {
        switch state {
        case .handshaking, .established: return writeDataPacket(into: buffer)
        case .closeRequested(let close): return writeClose(close, into: buffer)
        case .closing(var closing):
            guard closing.owesPacket else { return nil }
            closing.owesPacket = false
            state = .closing(closing)
            buffer.copyBytes(from: closing.packet)
            return Transmit(path: closing.path, ecn: .notCapable, byteCount: closing.packet.count)
        case .draining, .closed: return nil
        }
    }

    /// One packet of acknowledgements, at most one datagram, and as many streams' bytes as fit.
    ///
    /// One datagram a packet keeps a frame's fate its own: a lost packet takes one frame with it.
    private func writeDataPacket(into buffer: UnsafeMutableRawBufferPointer) -> Transmit? {
        guard let handle else { return nil }
        if isHandshakeConfirmed { sendDelayedResets() }
        var packet = PacketWriter(handle: handle, path: outputPath, buffer: buffer, now: now)
        // What a client sends before its handshake is confirmed may be unreadable and unacknowledged. It must not fill the
        // congestion window, or the handshake's last packet, once lost, could never be sent again.
        let leavesRoom = role == .client && !isHandshakeConfirmed && congestionWindow.inFlight * 3 > congestionWindow.byteCount
        if !leavesRoom, let datagram = datagrams.first {
            let timed = untimedByteCount >= Self.timedByteCount && (role == .server || isHandshakeConfirmed) ? timedStream : nil
            var outcome = packet.add(datagram, expectsMore: !sendQueue.isEmpty || timed != nil)
            if packet.datagramWasAccepted {
                _ = datagrams.popFirst()
                if role == .client, earlyData == .pending { earlyFlight.datagrams.append(datagram) }
                outstandingDatagrams.sent(datagram.id, at: now)
            }
            if let timed, case .incomplete = outcome { outcome = startTimer(with: timed, in: &packet) }
            switch outcome {
            case .incomplete: break
            case .complete(let transmit): return sent(transmit, packet)
            case .blocked: return nil
            case .failed(let status): return failed(status)
            }
        }
        // Streams that flow control stops are tried once a packet; the peer's credit queues them again.
        for _ in 0..<(leavesRoom ? 0 : sendQueue.count) {
            guard let id = sendQueue.popFirst() else { break }
            guard let stream = streams[id], !stream.isSendClosed else { continue }
            stream.isQueued = false
            while stream.send.hasUnsent {
                let unsent = stream.send.nextUnsent()
                let outcome = packet.add(unsent.bytes, isFinal: unsent.isFinal, stream: id)
                if let count = packet.acceptedByteCount {
                    stream.send.markSent(count, isFinal: unsent.isFinal && count == unsent.bytes.count)
                    if !unsent.isFinal { timedStream = id }
                }
                switch outcome {
                case .incomplete: continue
                case .complete(let transmit):
                    enqueueForSending(id)
                    return sent(transmit, packet)
                case .blocked:
                    enqueueForSending(id)
                    return nil
                case .failed(NGTCP2_ERR_STREAM_DATA_BLOCKED): break
                case .failed(NGTCP2_ERR_STREAM_SHUT_WR): sendingWasStopped(id, code: nil)
                case .failed(NGTCP2_ERR_STREAM_NOT_FOUND): stream.isSendClosed = true
                case .failed(let status):
                    // A path that failed is no end: what waits goes out by the next one.
                    enqueueForSending(id)
                    return failed(status)
                }
                break
            }
        }
        switch packet.finish() {
        case .complete(let transmit): return sent(transmit, packet)
        case .incomplete, .blocked: return nil
        case .failed(let status): return failed(status)
        }
    }

    /// Adds a frame that makes ngtcp2 watch over the packet: an empty STREAM frame, three bytes.
    ///
    /// A packet that holds only datagrams starts no loss timer in ngtcp2 0.12, though RFC 9002 section 6.2 wants one for all
    /// that elicits an acknowledgement. Where all that is under way is such packets, all of them are lost and the congestion
    /// window is full, nothing would ever be sent again. So none of the least window's bytes are without one.
    private func startTimer(with id: Int64, in packet: inout PacketWriter) -> PacketWriter.Outcome {
        let outcome = packet.add(UnsafeBufferPointer(start: nil, count: 0), isFinal: false, stream: id)
        switch outcome {
        case .failed(NGTCP2_ERR_STREAM_DATA_BLOCKED): return .incomplete
        case .failed(NGTCP2_ERR_STREAM_SHUT_WR), .failed(NGTCP2_ERR_STREAM_NOT_FOUND):
            timedStream = nil
            return .incomplete
        case .incomplete, .complete, .blocked, .failed: return outcome
        }
    }

    /// With a packet more, less than the least congestion window of two packets (RFC 9002 section 7.2).
    private static let timedByteCount = 1_000

    private func sent(_ transmit: Transmit, _ packet: borrowing PacketWriter) -> Transmit {
        wroteSinceTimeUpdate = true
        // Answers to PATH_CHALLENGE are 1,200 bytes long, and without a timer, too.
        untimedByteCount = packet.holdsStreamData ? 0 : untimedByteCount + transmit.byteCount
        var transmit = transmit
        transmit.path = pathNames.actual(transmit.path)
        return transmit
    }

    private func failed(_ status: Int32) -> Transmit? {
        if status == NGTCP2_ERR_NO_VIABLE_PATH, role == .server {
            // The peer's next packet begins the validation anew; until it comes, nothing can be sent.
            pathNames.renew()
            return nil
        }
        settle(status)
        return nil
    }

    private func writeClose(_ close: PendingClose, into buffer: UnsafeMutableRawBufferPointer) -> Transmit? {
        guard let handle, let bytes = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        var error = ngtcp2_connection_close_error()
        var reason: [UInt8] = []
        if case .application(_, let text) = close { reason = text }
        var info = ngtcp2_pkt_info()
        let written = reason.withUnsafeBufferPointer { reason in
            switch close {
            case .application(let code, _):
                ngtcp2_connection_close_error_set_application_error(&error, code, reason.baseAddress, reason.count)
            case .transport(let liberr): ngtcp2_connection_close_error_set_transport_error_liberr(&error, liberr, nil, 0)
            case .alert(let alert): ngtcp2_connection_close_error_set_transport_error_tls_alert(&error, alert, nil, 0)
            }
            outputPath.invalidate()
            return ngtcp2_conn_write_connection_close_versioned(
                handle, outputPath.path, NGTCP2_PKT_INFO_VERSION, &info, bytes, buffer.count, &error, now.nanoseconds)
        }
        guard written > 0 else {
            // Nothing could be said yet (no keys, or the amplification limit): the connection just ends.
            state = .closed
            return nil
        }
        let path = outputPath.load().map(pathNames.actual) ?? currentPath
        state = .closing(
            ClosingState(packet: Array(buffer.prefix(Int(written))), path: path, until: now + closeDuration))
        return Transmit(path: path, ecn: .notCapable, byteCount: Int(written))
    }
}

/// One packet in the making. While `incomplete`, no other call may be made on the connection (ngtcp2's contract for
/// its MORE flag), so this value lives inside one method.
private struct PacketWriter {
    enum Outcome {
        /// The data is in; the packet has room.
        case incomplete
        case complete(Transmit)
        /// Congestion control, pacing or the amplification limit allows no packet now.
        case blocked
        case failed(Int32)
    }

    let handle: OpaquePointer
    let path: PathStorage
    let buffer: UnsafeMutableRawBufferPointer
    let now: Instant
    private var info = ngtcp2_pkt_info()
    private(set) var datagramWasAccepted = false
    private(set) var acceptedByteCount: Int?
    /// Some stream's frame is in the packet, be it empty.
    private(set) var holdsStreamData = false

    init(handle: OpaquePointer, path: PathStorage, buffer: UnsafeMutableRawBufferPointer, now: Instant) {
        self.handle = handle
        self.path = path
        self.buffer = buffer
        self.now = now
        path.invalidate()
    }

    private var target: UnsafeMutablePointer<UInt8>? { buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) }

    mutating func add(_ datagram: QUICConnection.QueuedDatagram, expectsMore: Bool) -> Outcome {
        var accepted: Int32 = 0
        let flags = expectsMore ? UInt32(NGTCP2_WRITE_DATAGRAM_FLAG_MORE) : UInt32(NGTCP2_WRITE_DATAGRAM_FLAG_NONE)
        let written = datagram.bytes.withUnsafeBufferPointer { bytes in
            // ngtcp2 reads the bytes and never writes them.
            var vector = ngtcp2_vec(base: UnsafeMutablePointer(mutating: bytes.baseAddress), len: bytes.count)
            return ngtcp2_conn_writev_datagram_versioned(
                handle, path.path, NGTCP2_PKT_INFO_VERSION, &info, target, buffer.count, &accepted, flags, datagram.id,
                &vector, 1, now.nanoseconds)
        }
        datagramWasAccepted = accepted != 0
        return outcome(written)
    }

    mutating func add(_ bytes: UnsafeBufferPointer<UInt8>, isFinal: Bool, stream: Int64) -> Outcome {
        var accepted = -1
        var flags = UInt32(NGTCP2_WRITE_STREAM_FLAG_MORE)
        if isFinal { flags |= UInt32(NGTCP2_WRITE_STREAM_FLAG_FIN) }
        var vector = ngtcp2_vec(base: UnsafeMutablePointer(mutating: bytes.baseAddress), len: bytes.count)
        let written = ngtcp2_conn_writev_stream_versioned(
            handle, path.path, NGTCP2_PKT_INFO_VERSION, &info, target, buffer.count, &accepted, flags, stream, &vector, 1,
            now.nanoseconds)
        acceptedByteCount = accepted >= 0 ? accepted : nil
        if accepted >= 0 { holdsStreamData = true }
        return outcome(written)
    }

    /// Closes the packet, with whatever else ngtcp2 has to say.
    mutating func finish() -> Outcome {
        let written = ngtcp2_conn_writev_stream_versioned(
            handle, path.path, NGTCP2_PKT_INFO_VERSION, &info, target, buffer.count, nil,
            UInt32(NGTCP2_WRITE_STREAM_FLAG_NONE), -1, nil, 0, now.nanoseconds)
        return outcome(written)
    }

    private func outcome(_ written: Int) -> Outcome {
        if written > 0 {
            guard let route = path.load() else { return .failed(NGTCP2_ERR_INTERNAL) }
            return .complete(Transmit(path: route, ecn: ECN(rawValue: UInt8(info.ecn & 3)) ?? .notCapable, byteCount: written))
        }
        if written == 0 { return .blocked }
        return written == Int(NGTCP2_ERR_WRITE_MORE) ? .incomplete : .failed(Int32(truncatingIfNeeded: written))
    }
}
