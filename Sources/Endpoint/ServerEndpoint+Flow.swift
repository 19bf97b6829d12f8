internal import ICE
internal import QUIC
internal import Responder
internal import Session
internal import WebRTC
internal import WebSocket
package import Wire

// The map of the house. Data flows
//
//     socket → transport → session → responder → session → transport → socket
//
// and this file is that sentence: `receive` finds the connection of a datagram, `serve` moves what it brought through
// transport, session and responder until none has more to say, and `pollTransmit` hands out what they sent. A WebSocket's
// bytes come and go by `receive(_:on:now:)` and `pollWrite` (`ServerEndpoint+Streams.swift`); their way is the same.

extension ServerEndpoint {
    /// Takes in one UDP datagram, which is only borrowed. What it is, its first byte says (RFC 9443 section 3).
    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        counters.datagramsReceived += 1
        guard let first = datagram.first else { return }
        switch first {
        case 64...127, 192...255: receiveQUIC(datagram, path: path, ecn: ecn, now: now)
        case 0...3: receiveSTUN(datagram, path: path, now: now)
        // DTLS; RTP and RTCP.
        case 20...63, 128...191: receiveWebRTC(datagram, path: path, now: now)
        default: counters.datagramsUnclaimed += 1
        }
    }

    /// A packet of a connection that we know, or the first of one that we may accept.
    private func receiveQUIC(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant) {
        let header = try? QUICPacketHeader(
            parsing: datagram.bindMemory(to: UInt8.self).span, shortIDByteCount: ConnectionIDLayout.byteCount)
        guard let header else {
            counters.datagramsUnclaimed += 1
            return
        }
        guard let slot = slots[.connectionID(header.destination)], let connection = connections[slot],
            case .quic(let quic) = connection.carrier
        else {
            return receiveUnknown(datagram, header: header, path: path, ecn: ecn, now: now)
        }
        quic.receive(datagram, path: path, ecn: ecn, now: now)
        serve(slot, connection, now: now)
    }

    /// A connectivity check finds its call by the name that the answer gave it, from whatever address it comes.
    private func receiveSTUN(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, now: Instant) {
        let check = try? STUNMessage(parsing: datagram.bindMemory(to: UInt8.self).span)
        guard let name = check?.receiverUfrag else {
            counters.datagramsUnclaimed += 1
            return
        }
        receive(datagram, by: .iceUsername(name), path: path, now: now)
    }

    /// Only an address that a check has proved leads anywhere: a stranger's ClientHello finds nobody.
    private func receiveWebRTC(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, now: Instant) {
        receive(datagram, by: .address(path.remote), path: path, now: now)
    }

    private func receive(_ datagram: UnsafeRawBufferPointer, by route: Route, path: NetworkPath, now: Instant) {
        guard let slot = slots[route], let connection = connections[slot], case .webRTC(let peer) = connection.carrier else {
            counters.datagramsUnclaimed += 1
            return
        }
        peer.receive(datagram, path: path, now: now)
        serve(slot, connection, now: now)
    }

    /// Moves what a connection has brought through the house, and what comes of it back.
    func serve(_ slot: Int, _ connection: ServedConnection, now: Instant) {
        updateRoutes(slot, connection)
        if case .quic(let quic) = connection.carrier {
            while let event = quic.pollEvent() {
                handle(event, of: connection, over: quic, now: now)
                connection.transport?.handle(event, now: now)
                if case .established = event { releaseEarlyData(at: slot, of: connection, now: now) }
            }
        }
        while let event = connection.transport?.pollEvent() {
            handle(event, at: slot, of: connection, now: now)
        }
        converse(connection, now: now)
        markReady(slot, connection)
        if case .superseded(let served) = connection.conversation { serveSuccessor(of: served, now: now) }
    }

    /// What came by a superseded connection may have given its session something to say, on the present one.
    private func serveSuccessor(of served: ServedSession, now: Instant) {
        guard case .attached(let slot) = served.attachment, let connection = connections[slot] else { return }
        converse(connection, now: now)
        markReady(slot, connection)
    }

    /// What concerns the connection itself; the transport sees every event after this.
    private func handle(_ event: QUICEvent, of connection: ServedConnection, over quic: QUICConnection, now: Instant) {
        switch event {
        // What has an effect waits for `established` (docs/early-data.md).
        case .earlyData(let alpn):
            connection.transport = Attachment(alpn: alpn, quic: quic, configuration: configuration)
            counters.earlyDataAccepted += 1
        case .established(let alpn):
            handshakeEnded(connection)
            if connection.transport == nil {
                connection.transport = Attachment(alpn: alpn, quic: quic, configuration: configuration)
            }
            if case .none = connection.conversation { connection.requestDeadline = now + configuration.limits.sessionRequestTime }
        case .closed(let close):
            handshakeEnded(connection)
            connection.requestDeadline = nil
            if case .none = connection.conversation {
                notices.append(.connectionClosed(peer: quic.path.remote, close))
            }
        default: break
        }
    }

    /// Transport → session.
    func handle(_ event: TransportEvent, at slot: Int, of connection: ServedConnection, now: Instant) {
        switch event {
        case .requested(let request):
            if !connection.isInEarlyData { handshakeEnded(connection) }
            admit(request, at: slot, on: connection, now: now)
        case .frame(let frame):
            switch connection.conversation {
            case .active(let served), .superseded(let served), .resuming(let served): served.session.receive(frame: frame, now: now)
            case .none, .ended: return
            }
        case .event(let bytes) where connection.isInEarlyData: hold(bytes, of: connection, now: now)
        case .event(let bytes):
            guard case .active(let active) = connection.conversation else { return }
            active.spare = nil
            active.session.updatePathDelay(connection.carrier.minimumRTT / 2)
            active.session.receive(event: bytes, now: now)
            connection.transport?.receives(active.session.delivery, now: now)
            connection.transport?.adopt(active.session.object.audio)
        case .framesAnnounced(let sequence):
            guard case .active(let active) = connection.conversation else { return }
            active.session.receive(announcement: sequence, now: now)
        case .refused(let error, let eventID):
            guard case .active(let active) = connection.conversation else { return }
            active.session.refuse(error, eventID: eventID)
        case .closed(let close): end(connection, close, now: now)
        // The datagram's fate is for the modes that resend; `datagram` promises nothing after the first send.
        case .frameAcknowledged, .frameLost: break
        case .opened, .draining: break
        }
    }

    /// Session → responder → session → transport, until neither has more to say.
    private func converse(_ connection: ServedConnection, now: Instant) {
        guard case .active(let active) = connection.conversation else { return }
        var hasSentEvents = false
        repeat {
            while let output = active.session.pollOutput() {
                switch output {
                case .frame(let frame, let delivery): send(frame, delivery, on: connection, now: now)
                case .event(let bytes):
                    hasSentEvents = true
                    send(bytes, on: connection, now: now)
                case .talkEnded: connection.transport?.endTalk(now: now)
                case .expect(let first, let last): connection.transport?.expect(from: first, through: last, now: now)
                case .responder(let input): active.responder.handle(input, now: now)
                case .close(let code, let reason):
                    connection.transport?.close(code: UInt32(truncatingIfNeeded: code), reason: reason, now: now)
                }
            }
            guard let output = active.responder.poll() else { break }
            active.session.receive(output, now: now)
        } while true
        guard hasSentEvents else { return }
        note(active)
    }

    private func send(_ frame: MediaFrame, _ delivery: Delivery, on connection: ServedConnection, now: Instant) {
        do throws(SendRefusal) {
            try connection.transport?.send(frame: frame, delivery: delivery, now: now)
        } catch {
            counters.framesDropped += 1
            // A reliable mode promised this frame: a peer that reads too slowly for it loses its connection, not a frame.
            if error == .queueFull, delivery.isReliable {
                connection.transport?.close(code: CloseCode.slowPeer, reason: "frames wait longer than the queue holds", now: now)
            }
        }
    }

    /// Events are never dropped: a peer that does not read them is closed.
    private func send(_ event: [UInt8], on connection: ServedConnection, now: Instant) {
        do throws(SendRefusal) {
            try connection.transport?.send(event: event, now: now)
        } catch {
            if error == .queueFull {
                connection.transport?.close(code: CloseCode.slowPeer, reason: "events wait longer than the queue holds", now: now)
            }
        }
    }

    /// Call when `deadline` has come.
    package func handleTimeout(now: Instant) {
        handleDetachedTimeouts(now: now)
        while let slot = deadlines.due(at: now) {
            guard let connection = connections[slot] else {
                deadlines.set(nil, for: slot)
                continue
            }
            if let deadline = connection.carrier.deadline, deadline <= now { connection.carrier.handleTimeout(now: now) }
            if let deadline = connection.transport?.deadline, deadline <= now { connection.transport?.handleTimeout(now: now) }
            if let deadline = connection.requestDeadline, deadline <= now { handleRequestTimeout(connection, now: now) }
            if case .active(let active) = connection.conversation { active.handleTimeout(now: now) }
            // Due again only after it had its turn to send.
            deadlines.set(nil, for: slot)
            serve(slot, connection, now: now)
        }
    }

    /// The peer should have asked for a session by now, or have let go of the one that is over here.
    private func handleRequestTimeout(_ connection: ServedConnection, now: Instant) {
        connection.requestDeadline = nil
        switch connection.conversation {
        case .superseded: closeSuperseded(connection, now: now)
        case .ended: connection.carrier.abandon(reason: "the session is over", now: now)
        case .none, .active, .resuming: connection.carrier.abandon(reason: "no session was asked for in time", now: now)
        }
    }

    /// Writes the next datagrams into `buffer`; `nil` when there is nothing to send now.
    /// - Parameter buffer: at least 1,500 bytes; with more, several datagrams of one size stand in a row.
    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? {
        if let reply = statelessReplies.popFirst() {
            buffer.copyBytes(from: reply.bytes)
            return Transmit(path: reply.path, ecn: .notCapable, byteCount: reply.bytes.count)
        }
        while readyHead < ready.count {
            let slot = ready[readyHead]
            guard let connection = connections[slot] else {
                readyHead += 1
                continue
            }
            if let transmit = connection.carrier.pollTransmit(into: buffer, now: now) { return transmit }
            readyHead += 1
            connection.isReady = false
            settle(slot, connection)
        }
        ready.removeAll(keepingCapacity: true)
        readyHead = 0
        return nil
    }

    private func markReady(_ slot: Int, _ connection: ServedConnection) {
        guard !connection.isReady else { return }
        connection.isReady = true
        ready.append(slot)
    }

    /// After a connection has sent all it could: its next deadline, or its end.
    private func settle(_ slot: Int, _ connection: ServedConnection) {
        if connection.carrier.isClosed {
            forget(slot, connection)
        } else {
            updateRoutes(slot, connection)
            deadlines.set(connection.deadline, for: slot)
            if case .webSocket(let transport) = connection.carrier, transport.hasOutput, !connection.isStreamReady {
                connection.isStreamReady = true
                readyStreams.append(StreamHandle(slot: slot, serial: connection.streamSerial))
            }
        }
    }
}

/// Codes with which the endpoint ends a session itself; the transports carry them as application codes.
enum CloseCode {
    static let slowPeer: UInt32 = 1
    /// Another connection carries the session, or is to: no goodbye, whoever says it.
    static let superseded: UInt32 = 2
}
