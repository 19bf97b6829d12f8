internal import CUsrsctp
internal import Wire

/// A usrsctp socket and the number it is known by. Every function here is called inside the engine's lock, except that the
/// value may be copied and kept anywhere: who holds it must close it once, through the engine.
struct SCTPSocket {
    let number: Int
    private let handle: OpaquePointer
    private let port: UInt16

    /// What usrsctp holds for the peer.
    struct Status {
        /// Bytes handed over and not acknowledged.
        var unacknowledgedByteCount: Int
        /// Chunks sent and not yet forgotten; among them those given up whose FORWARD-TSN is not acknowledged.
        var sentChunkCount: Int
        var congestionWindow: Int
        var receiveWindow: Int
        var isEstablished: Bool
        /// Zero before it was measured.
        var smoothedRTT: Duration
    }

    enum SendResult {
        case sent
        case full
        /// It will never be sent.
        case refused
    }

    init?(number: Int, configuration: SCTPConfiguration) {
        let owner = UnsafeMutableRawPointer(bitPattern: number)
        guard let handle = parallax_sctp_socket(takeArrival, owner) else { return nil }
        self.number = number
        self.handle = handle
        port = configuration.port
        guard configure(configuration), parallax_sctp_bind(handle, owner, port) == 0 else {
            usrsctp_close(handle)
            return nil
        }
    }

    /// Sends INIT.
    func connect() -> Bool {
        let result = parallax_sctp_connect(handle, UnsafeMutableRawPointer(bitPattern: number), port)
        return result == 0 || parallax_sctp_is_in_progress() != 0
    }

    func close() { usrsctp_close(handle) }

    /// Hands in a packet from the peer, of 16 bytes or more.
    func receive(_ packet: Span<UInt8>) {
        packet.withUnsafeBytes { bytes in
            usrsctp_conninput(UnsafeMutableRawPointer(bitPattern: number), bytes.baseAddress, bytes.count, 0)
        }
    }

    func send(
        _ bytes: [UInt8], stream: UInt16, protocolID: UInt32, isOrdered: Bool, reliability: SCTPReliability
    ) -> SendResult {
        var attributes = sctp_sendv_spa()
        attributes.sendv_flags = UInt32(SCTP_SEND_SNDINFO_VALID)
        attributes.sendv_sndinfo.snd_sid = stream
        attributes.sendv_sndinfo.snd_ppid = protocolID.bigEndian
        attributes.sendv_sndinfo.snd_flags = UInt16(SCTP_EOR | (isOrdered ? 0 : SCTP_UNORDERED))
        switch reliability {
        case .reliable: break
        case .maxRetransmits(let count):
            attributes.sendv_flags |= UInt32(SCTP_SEND_PRINFO_VALID)
            attributes.sendv_prinfo.pr_policy = UInt16(SCTP_PR_SCTP_RTX)
            attributes.sendv_prinfo.pr_value = UInt32(count)
        case .maxLifetime(let lifetime):
            attributes.sendv_flags |= UInt32(SCTP_SEND_PRINFO_VALID)
            attributes.sendv_prinfo.pr_policy = UInt16(SCTP_PR_SCTP_TTL)
            attributes.sendv_prinfo.pr_value = UInt32(clamping: max(1, lifetime.nanoseconds / 1_000_000))
        }
        let count = usrsctp_sendv(
            handle, bytes, bytes.count, nil, 0, &attributes, socklen_t(MemoryLayout<sctp_sendv_spa>.size),
            UInt32(SCTP_SENDV_SPA), 0)
        if count == bytes.count { return .sent }
        return parallax_sctp_would_block() != 0 ? .full : .refused
    }

    /// Asks the peer to forget what it knows of our stream (RFC 6525 section 4.1), once all on it is delivered.
    func resetStream(_ stream: UInt16) -> Bool {
        // `sctp_reset_streams` ends in a list, which Swift does not import. The association may be 0: there is only one.
        var request: [UInt8] = []
        func append(_ value: UInt16) { withUnsafeBytes(of: value) { request.append(contentsOf: $0) } }
        request += [0, 0, 0, 0]
        append(UInt16(SCTP_STREAM_RESET_OUTGOING))
        append(1)
        append(stream)
        return usrsctp_setsockopt(handle, Int32(IPPROTO_SCTP), SCTP_RESET_STREAMS, request, socklen_t(request.count)) == 0
    }

    /// `nil` once there is no association.
    func status() -> Status? {
        let unacknowledged = parallax_sctp_unacknowledged(handle)
        guard unacknowledged >= 0 else { return nil }
        var status = sctp_status()
        var size = socklen_t(MemoryLayout<sctp_status>.size)
        guard usrsctp_getsockopt(handle, Int32(IPPROTO_SCTP), SCTP_STATUS, &status, &size) == 0 else { return nil }
        return Status(
            unacknowledgedByteCount: Int(unacknowledged), sentChunkCount: Int(status.sstat_unackdata),
            congestionWindow: Int(status.sstat_primary.spinfo_cwnd), receiveWindow: Int(status.sstat_rwnd),
            isEstablished: status.sstat_state == SCTP_ESTABLISHED,
            smoothedRTT: .milliseconds(Int(status.sstat_primary.spinfo_srtt)))
    }

    /// Whether the association ended because the peer sent an ABORT.
    func wasAborted() -> Bool { parallax_sctp_was_reset(handle) != 0 }

    private func configure(_ configuration: SCTPConfiguration) -> Bool {
        let limits = configuration.limits
        let timing = configuration.timing
        guard usrsctp_set_non_blocking(handle, 1) == 0, parallax_sctp_abort_on_close(handle) == 0,
            parallax_sctp_set_buffers(
                handle, Int32(clamping: limits.sendBufferByteCount), Int32(clamping: limits.receiveBufferByteCount)) == 0,
            // Messages are small and wanted at once: no waiting for more (RFC 9260 section 6.1 has Nagle's rule).
            set(SCTP_NODELAY, Int32(1)),
            set(SCTP_ENABLE_STREAM_RESET, sctp_assoc_value(assoc_id: UInt32(SCTP_ALL_ASSOC), assoc_value: 1))
        else { return false }
        for kind in [SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_PARTIAL_DELIVERY_EVENT] {
            guard set(SCTP_EVENT, sctp_event(se_assoc_id: UInt32(SCTP_ALL_ASSOC), se_type: UInt16(kind), se_on: 1)) else {
                return false
            }
        }
        var path = sctp_paddrparams()
        path.spp_flags = UInt32(SPP_HB_DISABLE | SPP_PMTUD_DISABLE)
        // usrsctp adds the common header to what it is told.
        path.spp_pathmtu = UInt32(clamping: configuration.packetByteCount - SCTPPacket.headerByteCount)
        // There is no other path, so this one never counts as failed while the association lives: new data would not be sent on
        // it any more, and no acknowledgement of what was sent again brings it back (Karn), only a heartbeat.
        path.spp_pathmaxrxt = .max
        var association = sctp_assocparams()
        association.sasoc_asocmaxrxt = SCTPTiming.timeoutsInVain
        return set(SCTP_PEER_ADDR_PARAMS, path) && set(SCTP_ASSOCINFO, association)
            && setRTO(initial: timing.initialRTO, minimum: timing.minimumRTO, maximum: timing.maximumRTO)
            && set(
                SCTP_INITMSG,
                sctp_initmsg(
                    sinit_num_ostreams: configuration.streamCount, sinit_max_instreams: configuration.streamCount,
                    // The association counts its own time.
                    sinit_max_attempts: .max,
                    sinit_max_init_timeo: UInt16(clamping: milliseconds(timing.maximumInitiationRTO))))
            && set(
                SCTP_DELAYED_SACK,
                sctp_sack_info(
                    sack_assoc_id: UInt32(SCTP_FUTURE_ASSOC), sack_delay: milliseconds(timing.acknowledgementDelay),
                    sack_freq: 2))
    }

    /// Sets the RTO's first value and its bounds: of the association if there is one, else of the one to come.
    @discardableResult
    func setRTO(initial: Duration, minimum: Duration, maximum: Duration) -> Bool {
        set(
            SCTP_RTOINFO,
            sctp_rtoinfo(
                srto_assoc_id: UInt32(SCTP_FUTURE_ASSOC), srto_initial: milliseconds(initial), srto_max: milliseconds(maximum),
                srto_min: max(60, milliseconds(minimum))))
    }

    private func set<Value>(_ option: Int32, _ value: Value) -> Bool {
        withUnsafeBytes(of: value) { bytes in
            usrsctp_setsockopt(handle, Int32(IPPROTO_SCTP), option, bytes.baseAddress, socklen_t(bytes.count)) == 0
        }
    }
}

private func milliseconds(_ duration: Duration) -> UInt32 { UInt32(clamping: max(1, duration.nanoseconds / 1_000_000)) }
