internal import CSRTP
internal import Glibc
package import RTP

/// Every bound on what an SRTP session stores.
package struct SRTPLimits: Sendable {
    /// How many packets back a packet is still taken, and known when it comes twice; 64 to 32767.
    /// 1,024 frames are 20 s, far more than any resend takes.
    package var replayWindow = 1024
    /// Sources that the peer may send from. libsrtp keeps state for each and searches it in a line.
    package var inboundSources = 16

    package init() {}
}

/// The SRTP and SRTCP of one WebRTC connection, both directions (RFC 3711, RFC 7714).
///
/// Packets change in place. The master keys serve every synchronization source; libsrtp holds one such rule a session, so
/// there are two of its sessions, one a direction. It belongs to one thread at a time.
///
/// Making one takes some 25 µs. Freeing one takes longer the more there are: NSS, from which Debian's libsrtp takes its ciphers,
/// looks for each (`NSS_ShutdownContext`) in one list of all in the process, newest first. At 1,000 sessions the oldest takes
/// 0.4 ms under GCM and 2.5 ms under AES-CM; the newest 15 and 40 µs, so many are best freed in the reverse order of making.
///
/// libsrtp's history holds length underflows, so nothing reaches it whose header and tag were not found to fit.
package final class SRTPSession {
    /// The most that protection adds: a tag of 16 bytes, and SRTCP's index of 4 (RFC 3711 section 3.4, RFC 7714 section 9.2).
    /// There are no master key identifiers.
    package static let trailerByteCount = 16 + indexByteCount

    /// Whether libsrtp could be set up. The first one to ask does it, in tens of milliseconds: a server asks before it
    /// serves.
    package static var isAvailable: Bool { Library.isReady }

    private static let indexByteCount = 4
    private static let rtcpHeaderByteCount = 8

    private let outbound: srtp_t
    private let inbound: srtp_t
    private let tagByteCount: Int
    private let inboundSourceLimit: Int
    private var inboundSources: [UInt32] = []

    package init(keys: SRTPKeys, limits: SRTPLimits = SRTPLimits()) throws(SRTPFailure) {
        guard Self.isAvailable else { throw .library(Int(srtp_err_status_init_fail.rawValue)) }
        let keyByteCount = keys.profile.masterKeyByteCount + keys.profile.masterSaltByteCount
        guard keys.local.count == keyByteCount, keys.remote.count == keyByteCount else { throw .invalidKeys }
        let outbound = try Self.makeHandle(keys.profile, key: keys.local, direction: ssrc_any_outbound, window: limits.replayWindow)
        do throws(SRTPFailure) {
            inbound = try Self.makeHandle(keys.profile, key: keys.remote, direction: ssrc_any_inbound, window: limits.replayWindow)
        } catch {
            srtp_dealloc(outbound)
            throw error
        }
        self.outbound = outbound
        tagByteCount = keys.profile.tagByteCount
        inboundSourceLimit = limits.inboundSources
    }

    deinit {
        srtp_dealloc(outbound)
        srtp_dealloc(inbound)
    }

    /// Protects the RTP packet in the first `count` bytes of `buffer`.
    ///
    /// The same sequence number may be protected again only with the same packet, as for a resend: GCM would give its key
    /// away otherwise.
    /// - Parameter buffer: has room for `trailerByteCount` more.
    /// - Returns: how many bytes the SRTP packet has.
    package func protectRTP(_ buffer: UnsafeMutableRawBufferPointer, count: Int) throws(SRTPFailure) -> Int {
        guard let header = Self.rtpHeaderByteCount(buffer, count: count), header <= count else { throw .malformed }
        guard count <= buffer.count - Self.trailerByteCount else { throw .noRoom }
        return try Self.transform(count) { srtp_protect(outbound, buffer.baseAddress, &$0) }
    }

    /// Verifies and opens the SRTP packet in the first `count` bytes of `buffer`.
    /// - Returns: how many bytes the RTP packet has.
    package func unprotectRTP(_ buffer: UnsafeMutableRawBufferPointer, count: Int) throws(SRTPFailure) -> Int {
        guard let header = Self.rtpHeaderByteCount(buffer, count: count), count - tagByteCount >= header else { throw .malformed }
        return try open(source: Self.readUInt32(buffer, at: 8)) { () throws(SRTPFailure) in
            try Self.transform(count) { srtp_unprotect(inbound, buffer.baseAddress, &$0) }
        }
    }

    /// Protects the compound RTCP packet in the first `count` bytes of `buffer`.
    /// - Parameter buffer: has room for `trailerByteCount` more.
    /// - Returns: how many bytes the SRTCP packet has.
    package func protectRTCP(_ buffer: UnsafeMutableRawBufferPointer, count: Int) throws(SRTPFailure) -> Int {
        guard Self.isRTCP(buffer, count: count), count >= Self.rtcpHeaderByteCount else { throw .malformed }
        guard count <= buffer.count - Self.trailerByteCount else { throw .noRoom }
        return try Self.transform(count) { srtp_protect_rtcp(outbound, buffer.baseAddress, &$0) }
    }

    /// Verifies and opens the SRTCP packet in the first `count` bytes of `buffer`.
    /// - Returns: how many bytes the RTCP packet has.
    package func unprotectRTCP(_ buffer: UnsafeMutableRawBufferPointer, count: Int) throws(SRTPFailure) -> Int {
        let least = Self.rtcpHeaderByteCount + Self.indexByteCount + tagByteCount
        guard Self.isRTCP(buffer, count: count), count >= least else { throw .malformed }
        return try open(source: Self.readUInt32(buffer, at: 4)) { () throws(SRTPFailure) in
            try Self.transform(count) { srtp_unprotect_rtcp(inbound, buffer.baseAddress, &$0) }
        }
    }

    // MARK: Sources

    /// libsrtp keeps state for a source from its first authentic packet on; more sources than allowed are not shown to it.
    private func open(source: UInt32, _ body: () throws(SRTPFailure) -> Int) throws(SRTPFailure) -> Int {
        let isKnown = inboundSources.contains(source)
        guard isKnown || inboundSources.count < inboundSourceLimit else { throw .tooManySources }
        let count = try body()
        if !isKnown { inboundSources.append(source) }
        return count
    }

    // MARK: Lengths, checked before libsrtp sees a packet

    /// How long the header is with its list of sources and its extension (RFC 3550 section 5.1). `nil` for another version
    /// or when the bytes end before the header says how long it is; the header itself may still be longer than `count`.
    private static func rtpHeaderByteCount(_ buffer: UnsafeMutableRawBufferPointer, count: Int) -> Int? {
        guard count >= RTP.headerByteCount, count <= buffer.count, buffer[0] >> 6 == 2 else { return nil }
        let fixed = RTP.headerByteCount + Int(buffer[0] & 0x0F) * 4
        guard buffer[0] & 0x10 != 0 else { return fixed }
        guard count >= fixed + 4 else { return nil }
        let wordCount = Int(buffer[fixed + 2]) << 8 | Int(buffer[fixed + 3])
        return fixed + 4 + wordCount * 4
    }

    private static func isRTCP(_ buffer: UnsafeMutableRawBufferPointer, count: Int) -> Bool {
        count >= 1 && count <= buffer.count && buffer[0] >> 6 == 2
    }

    private static func readUInt32(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> UInt32 {
        UInt32(bigEndian: buffer.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    // MARK: libsrtp

    private static func transform(
        _ count: Int, _ body: (inout Int32) -> srtp_err_status_t
    ) throws(SRTPFailure) -> Int {
        guard var length = Int32(exactly: count) else { throw .malformed }
        let status = body(&length)
        switch status {
        case srtp_err_status_ok: return Int(length)
        case srtp_err_status_replay_fail, srtp_err_status_replay_old: throw .replayed
        case srtp_err_status_auth_fail, srtp_err_status_cant_check: throw .notAuthentic
        default: throw .library(Int(status.rawValue))
        }
    }

    fileprivate static func makeHandle(
        _ profile: SRTPProfile, key: [UInt8], direction: srtp_ssrc_type_t, window: Int
    ) throws(SRTPFailure) -> srtp_t {
        var policy = srtp_policy_t()
        policy.ssrc.type = direction
        switch profile {
        case .aes128CMSHA1_80:
            srtp_crypto_policy_set_rtp_default(&policy.rtp)
            srtp_crypto_policy_set_rtcp_default(&policy.rtcp)
        case .aeadAES128GCM:
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp)
            srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp)
        case .aeadAES256GCM:
            srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp)
            srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp)
        }
        policy.window_size = UInt(clamping: window)
        // A packet that the peer asks for again is protected again.
        policy.allow_repeat_tx = 1
        var key = key
        var handle: srtp_t?
        // The key is read by this one call.
        let status = key.withUnsafeMutableBufferPointer { key in
            policy.key = key.baseAddress
            return srtp_create(&handle, &policy)
        }
        guard status == srtp_err_status_ok, let handle else { throw .library(Int(status.rawValue)) }
        return handle
    }
}

/// libsrtp is set up once for the process, and never taken down.
private enum Library {
    /// The runtime makes sure that one thread alone does it.
    ///
    /// Debian's libsrtp takes its ciphers from NSS, and NSS goes down with the last cipher and comes up with the next: a
    /// millisecond for each session of a server that has one at a time. One session that nobody uses keeps it up.
    static let isReady: Bool = {
        widenTablesOfNSS()
        guard srtp_init() == srtp_err_status_ok else { return false }
        let profile = SRTPProfile.aeadAES128GCM
        let key = [UInt8](repeating: 0, count: profile.masterKeyByteCount + profile.masterSaltByteCount)
        return (try? SRTPSession.makeHandle(profile, key: key, direction: ssrc_any_inbound, window: 64)) != nil
    }()

    /// Brings NSS up before libsrtp does, which asks it to save space: its keys then stand in 32 lists, four keys a session,
    /// and every packet walks along one of them. At 1,000 sessions that costs more than the cipher. Who comes first chooses
    /// for the process. A libsrtp on another cipher library has no such symbol, and nothing happens.
    private static func widenTablesOfNSS() {
        typealias NSSInitContext = @convention(c) (
            UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer?,
            UInt32
        ) -> OpaquePointer?
        guard let symbol = dlsym(nil, "NSS_InitContext") else { return }
        // Read-only, without certificates, modules and roots, in spite of missing files (nss.h): libsrtp's flags without
        // NSS_INIT_OPTIMIZESPACE.
        let flags: UInt32 = 0x01 | 0x02 | 0x04 | 0x08 | 0x10
        // Never shut down, like libsrtp itself.
        _ = unsafeBitCast(symbol, to: NSSInitContext.self)("", "", "", "", nil, flags)
    }
}
