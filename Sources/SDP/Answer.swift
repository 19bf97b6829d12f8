/// What the answerer chooses; the rest follows from the offer.
package struct AnswerParameters: Hashable, Sendable {
    package var local: LocalDescription
    /// What we would be where the offer leaves it to us. Passive by default: the peer's handshake follows its first check.
    package var setup: SetupRole = .passive
    /// Ask for RED, where the offer has it: it stands before Opus in the answer, and browsers then send it. Where it is not
    /// asked for it stands behind: either side may send it, and browsers do not.
    package var wantsRED = false
    /// Ask for generic NACK: `a=rtcp-fb:… nack`; browsers then report what they miss. They resend on our NACKs in any case.
    package var wantsNACK = false

    package init(local: LocalDescription) { self.local = local }
}

/// The answer to `offer` (RFC 9429 section 5.3): its sections in their order, ours accepted and the others rejected, its payload
/// types and extension numbers, its direction mirrored.
/// - Throws: `SDPRefusal` where `offer` is an answer or the roles of DTLS cannot be joined.
package func answer(to offer: WebRTCDescription, with parameters: AnswerParameters) throws(SDPRefusal) -> String {
    guard offer.kind == .offer else { throw SDPRefusal(.mismatch, expected: "an offer, not an answer") }
    let local = parameters.local
    let setup: SetupRole =
        switch (offer.setup, parameters.setup) {
        case (.active, _): .passive
        case (.passive, _): .active
        case (.actpass, .active): .active
        case (.actpass, .passive), (.actpass, .actpass): .passive
        }
    // Accepted mids in the offer's order (RFC 9143 section 7.3.3); the first is the tagged section.
    let accepted = [offer.audio?.mid, offer.data?.mid].compactMap(\.self)
    let bundle = offer.bundle.filter(accepted.contains)
    let tagged = bundle.first ?? accepted.first
    var description = local.begin(bundle: bundle)
    for section in offer.sections {
        switch section {
        case .audio:
            guard let audio = offer.audio else { continue }
            var media = audioSection(answering: audio, parameters)
            local.addTransport(to: &media, setup: setup, isTagged: audio.mid == tagged)
            description.media.append(media)
        case .data:
            guard let data = offer.data else { continue }
            var media = local.section("application", proto: data.proto, formats: [DataSection.format])
            if let mid = data.mid { media.attributes.add("mid", mid) }
            // The draft's shortcut needs both sides.
            local.addSCTP(to: &media, sctpInit: data.sctpInit == nil ? nil : local.sctpInit)
            local.addTransport(to: &media, setup: setup, isTagged: data.mid == tagged)
            description.media.append(media)
        case .other(let other): description.media.append(rejected(other))
        }
    }
    return description.text
}

private func audioSection(answering audio: AudioSection, _ parameters: AnswerParameters) -> SDPMedia {
    let red = audio.red
    let formats = (parameters.wantsRED ? [red, audio.opus] : [audio.opus, red]).compactMap { $0.map { String($0) } }
    var media = parameters.local.section("audio", proto: audio.proto, formats: formats)
    if let mid = audio.mid { media.attributes.add("mid", mid) }
    let direction = audio.direction.mirrored
    media.attributes.add(direction.rawValue)
    media.attributes.add("rtcp-mux")
    parameters.local.addCodecs(to: &media, opusType: audio.opus, redType: red, hasNACK: parameters.wantsNACK)
    if let id = audio.midExtensionID { media.attributes.add("extmap", "\(id) \(AudioSection.midExtensionURI)") }
    if direction == .sendrecv || direction == .sendonly { parameters.local.addSource(to: &media) }
    return media
}

/// RFC 3264 section 6: port 0, with the formats of the offer.
private func rejected(_ other: OtherSection) -> SDPMedia {
    var media = SDPMedia(kind: other.kind, port: 0, proto: other.proto, formats: other.formats, connection: "IN IP4 0.0.0.0")
    if let mid = other.mid { media.attributes.add("mid", mid) }
    media.attributes.add("inactive")
    return media
}

extension WebRTCDescription {
    /// Checks that this answer is one to `offer` (RFC 3264 section 6): its sections in their order, each accepted or rejected, only
    /// payload types that were offered, the roles of DTLS opposite, one lite side at most.
    package func check(answering offer: WebRTCDescription) throws(SDPRefusal) {
        guard kind == .answer, offer.kind == .offer, sections.count == offer.sections.count else {
            throw SDPRefusal(.mismatch, expected: "an answer with \(offer.sections.count) media sections, as offered")
        }
        for (answered, offered) in zip(sections, offer.sections) {
            guard answered == offered || answered.kind == offered.kind && answered.isOther else {
                throw SDPRefusal(.mismatch, expected: "an answer with the offer's media sections in their order")
            }
        }
        guard audio?.mid == offer.audio?.mid || audio == nil, data?.mid == offer.data?.mid || data == nil else {
            throw SDPRefusal(.mismatch, expected: "an answer with the offer's mids")
        }
        if let audio {
            guard audio.opus == offer.audio?.opus, audio.red == nil || audio.red == offer.audio?.red else {
                throw SDPRefusal(.mismatch, expected: "an answer with the offer's payload types for Opus and RED")
            }
        }
        guard offer.setup == .actpass || offer.setup != setup else {
            throw SDPRefusal(.setupConflict, expected: "an answer with the other role of DTLS")
        }
        guard !(ice.isLite && offer.ice.isLite) else {
            throw SDPRefusal(.mismatch, expected: "one side that sends checks: both are ICE-lite")
        }
    }
}

extension WebRTCDescription.Section {
    fileprivate var kind: String {
        switch self {
        case .audio: "audio"
        case .data: "application"
        case .other(let other): other.kind
        }
    }

    fileprivate var isOther: Bool { if case .other = self { true } else { false } }
}
