extension WebRTCDescription {
    /// Reads what a peer or its signalling sent.
    /// - Throws: `SDPRefusal` for text that is no SDP, and for SDP that cannot become a session of ours.
    package init(parsing text: String, kind: Kind) throws(SDPRefusal) {
        try self.init(SessionDescription(parsing: text), kind: kind)
    }

    /// The same for bytes, which must be UTF-8.
    package init(parsing bytes: [UInt8], kind: Kind) throws(SDPRefusal) {
        guard bytes.count <= SDPLimits.byteCount else {
            throw SDPRefusal(.tooLarge, expected: "at most \(SDPLimits.byteCount) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SDPRefusal(.invalid, expected: "UTF-8")
        }
        try self.init(parsing: text, kind: kind)
    }

    package init(_ description: SessionDescription, kind: Kind) throws(SDPRefusal) {
        let bundle = Bundle(of: description)
        let media = try UsedMedia(of: description)
        audio = try media.audio.map { section throws(SDPRefusal) in try AudioSection(section, in: description) }
        data = try media.data.map { section throws(SDPRefusal) in try DataSection(section) }
        sections = media.sections
        let transport = SectionTransport(media: try bundle.tagged(of: media), session: description)
        self.kind = kind
        self.bundle = bundle.mids
        ice = try transport.ice()
        fingerprints = try transport.fingerprints()
        setup = try transport.setup(kind: kind)
        candidates = try transport.candidates()
        hasAllCandidates = transport.has("end-of-candidates")
        canTrickle = transport.values("ice-options").contains { $0.value.words.contains("trickle") }
    }
}

/// The sections that we use, and the order of all.
private struct UsedMedia {
    var audio: SDPMedia?
    var data: SDPMedia?
    var sections: [WebRTCDescription.Section] = []

    /// The first section of each kind that is not rejected; all else is other people's.
    init(of description: SessionDescription) throws(SDPRefusal) {
        for media in description.media {
            // Port 0 rejects a section, unless it only lends its place to the bundle (RFC 9143 section 6).
            let isOffered = media.port != 0 || media.attributes.contains("bundle-only")
            switch media.kind {
            case "audio" where isOffered && audio == nil:
                audio = media
                sections.append(.audio)
            case "application" where isOffered && data == nil:
                data = media
                sections.append(.data)
            default:
                let mid = try media.mid()
                sections.append(.other(OtherSection(kind: media.kind, proto: media.proto, formats: media.formats, mid: mid)))
            }
        }
        guard audio != nil || data != nil else {
            throw SDPRefusal(.noMedia, expected: "an audio or a data channel section that is not rejected")
        }
    }
}

/// `a=group:BUNDLE` (RFC 9143 section 7).
private struct Bundle {
    var mids: [String]

    /// The first bundle; further ones would be further transports.
    init(of description: SessionDescription) {
        let groups = description.attributes.all("group").map(\.value.words)
        mids = groups.first { $0.first == "BUNDLE" }.map { $0.dropFirst().map(String.init) } ?? []
    }

    /// The section whose transport attributes hold for all: of those we use, the first that the bundle names
    /// (RFC 9143 section 7.3.1). In the others they may differ, or be missing.
    func tagged(of used: UsedMedia) throws(SDPRefusal) -> SDPMedia {
        guard let audio = used.audio, let data = used.data else {
            guard let alone = used.audio ?? used.data else {
                throw SDPRefusal(.noMedia, expected: "an audio or a data channel section that is not rejected")
            }
            return alone
        }
        guard let audioMID = try audio.mid(), let dataMID = try data.mid(), audioMID != dataMID,
            let audioIndex = mids.firstIndex(of: audioMID), let dataIndex = mids.firstIndex(of: dataMID)
        else { throw SDPRefusal(.noBundle, expected: "audio and data in one a=group:BUNDLE, each by its own a=mid") }
        return audioIndex < dataIndex ? audio : data
    }
}

extension SDPMedia {
    /// `a=mid` (RFC 5888 section 4).
    func mid() throws(SDPRefusal) -> String? {
        guard let attribute = attributes.first("mid") else { return nil }
        guard let value = attribute.value, value[...].isToken, value.utf8.count <= 64 else {
            throw SDPRefusal(line: attribute.line, expected: "a mid of 1 to 64 characters")
        }
        return value
    }
}

/// What concerns the transport, at a section or, where it lacks there, at the session.
private struct SectionTransport {
    var media: SDPMedia
    var session: SessionDescription

    func has(_ name: String) -> Bool { media.attributes.contains(name) || session.attributes.contains(name) }

    func values(_ name: String) -> [(value: Substring, line: Int)] {
        let own = media.attributes.all(name)
        return own.isEmpty ? session.attributes.all(name) : own
    }

    func ice() throws(SDPRefusal) -> ICEParameters {
        guard let ufrag = values("ice-ufrag").first, let password = values("ice-pwd").first else {
            throw SDPRefusal(.noICE, line: media.line, expected: "a=ice-ufrag and a=ice-pwd for this section")
        }
        // RFC 8839 section 5.3: lite or not is said once for the session.
        let isLite = session.attributes.contains("ice-lite")
        guard let parameters = ICEParameters(ufrag: ufrag.value, password: password.value, isLite: isLite) else {
            throw SDPRefusal(
                .noICE, line: ufrag.line, expected: "a ufrag of 4 to 256 and a password of 22 to 256 letters, digits, + or /")
        }
        return parameters
    }

    func fingerprints() throws(SDPRefusal) -> [Fingerprint] {
        let lines = values("fingerprint")
        guard !lines.isEmpty else {
            if media.attributes.contains("crypto") {
                throw SDPRefusal(.sdesKeys, line: media.line, expected: "a=fingerprint for DTLS, not a=crypto")
            }
            throw SDPRefusal(.noFingerprint, line: media.line, expected: "a=fingerprint for this section")
        }
        var fingerprints: [Fingerprint] = []
        for line in lines.prefix(SDPLimits.fingerprintCount) {
            let fingerprint = try Fingerprint(parsing: line.value, line: line.line)
            if fingerprint.isUsable { fingerprints.append(fingerprint) }
        }
        guard !fingerprints.isEmpty else {
            throw SDPRefusal(.noFingerprint, line: lines.first?.line, expected: "a fingerprint by sha-256, or another of SHA-2")
        }
        return fingerprints
    }

    /// RFC 4145 section 4: an offer that says nothing is active, an answer that says nothing passive.
    func setup(kind: WebRTCDescription.Kind) throws(SDPRefusal) -> SetupRole {
        guard let line = values("setup").first else { return kind == .offer ? .active : .passive }
        guard let role = SetupRole(rawValue: String(line.value)), kind == .offer || role != .actpass else {
            let words = kind == .offer ? "active, passive or actpass" : "active or passive"
            throw SDPRefusal(.setupConflict, line: line.line, expected: "a=setup with \(words)")
        }
        return role
    }

    func candidates() throws(SDPRefusal) -> [ICECandidate] {
        var candidates: [ICECandidate] = []
        for line in media.attributes.all("candidate").prefix(SDPLimits.candidateCount) {
            candidates.append(try ICECandidate(parsing: line.value, line: line.line))
        }
        return candidates
    }
}
