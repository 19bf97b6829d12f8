package import Wire

/// What both an offer and an answer of ours say of the transport and of our own sending.
package struct LocalDescription: Hashable, Sendable {
    /// The number of the session in `o=`; below 2^63 (RFC 9429 section 5.2.1).
    package var sessionID: UInt64
    package var ice: ICEParameters
    /// Where the peer can send checks to, the best first. All of them: nothing trickles from here.
    package var candidates: [PeerAddress]
    package var fingerprint: Fingerprint
    /// Our SSRC for Opus.
    package var ssrc: UInt32
    /// Names our sending across SSRCs (RFC 7022); a token.
    package var cname: String
    package var opus: OpusParameters
    package var packetTime: Int?
    package var sctpPort: UInt16 = 5_000
    package var maxMessageSize: UInt64 = 262_144
    /// Our SCTP INIT chunk, where the association shall need no handshake of its own.
    package var sctpInit: [UInt8]?

    package init(
        sessionID: UInt64, ice: ICEParameters, candidates: [PeerAddress], fingerprint: Fingerprint, ssrc: UInt32, cname: String
    ) {
        self.sessionID = sessionID
        self.ice = ice
        self.candidates = candidates
        self.fingerprint = fingerprint
        self.ssrc = ssrc
        self.cname = cname
        opus = OpusParameters()
        opus.usesInbandFEC = true
        opus.minimumPacketTime = 10
    }

    /// The description up to its first section.
    func begin(bundle: [String]) -> SessionDescription {
        var description = SessionDescription(sessionID: sessionID & UInt64(Int64.max))
        if !bundle.isEmpty { description.attributes.add("group", "BUNDLE \(bundle.joined(separator: " "))") }
        if ice.isLite { description.attributes.add("ice-lite") }
        return description
    }

    /// An empty section at our first address.
    func section(_ kind: String, proto: String, formats: [String]) -> SDPMedia {
        // Without an address: the discard port at no address (RFC 9429 section 5.2.1).
        SDPMedia(
            kind: kind, port: candidates.first?.port ?? 9, proto: proto, formats: formats,
            connection: candidates.first?.connection ?? "IN IP4 0.0.0.0")
    }

    /// The transport's attributes. They stand in every section, as browsers write them; the candidates only in the tagged one.
    func addTransport(to section: inout SDPMedia, setup: SetupRole, isTagged: Bool) {
        section.attributes.add("ice-ufrag", ice.ufrag)
        section.attributes.add("ice-pwd", ice.password)
        section.attributes.add("fingerprint", fingerprint.value)
        section.attributes.add("setup", setup.rawValue)
        guard isTagged else { return }
        for (index, address) in candidates.enumerated() {
            section.attributes.add("candidate", ICECandidate(host: address, preference: index).value)
        }
        section.attributes.add("end-of-candidates")
    }

    /// What we receive: Opus, and RED before it where that is wanted.
    func addCodecs(to section: inout SDPMedia, opusType: UInt8, redType: UInt8?, hasNACK: Bool) {
        section.attributes.add("rtpmap", "\(opusType) opus/48000/2")
        if let value = opus.value { section.attributes.add("fmtp", "\(opusType) \(value)") }
        if hasNACK { section.attributes.add("rtcp-fb", "\(opusType) nack") }
        if let redType {
            section.attributes.add("rtpmap", "\(redType) red/48000/2")
            section.attributes.add("fmtp", "\(redType) \(opusType)/\(opusType)")
        }
        if let packetTime { section.attributes.add("ptime", String(packetTime)) }
    }

    /// What we send. Browsers need the msid to give the track a stream.
    func addSource(to section: inout SDPMedia) {
        section.attributes.add("msid", "\(cname) audio")
        section.attributes.add("ssrc", "\(ssrc) cname:\(cname)")
    }

    func addSCTP(to section: inout SDPMedia, sctpInit: [UInt8]?) {
        section.attributes.add("sctp-port", String(sctpPort))
        section.attributes.add("max-message-size", String(maxMessageSize))
        if let sctpInit { section.attributes.add("sctp-init", Base64.encode(sctpInit)) }
    }
}
