/// What our client offers.
package struct OfferParameters: Hashable, Sendable {
    package var local: LocalDescription
    package var setup: SetupRole = .actpass
    /// The payload types that browsers use, too.
    package var opusType: UInt8 = 111
    package var redType: UInt8 = 63
    /// Offer RED; it stands after Opus unless it is preferred.
    package var offersRED = true
    package var prefersRED = false
    package var offersNACK = true
    package var hasAudio = true
    package var hasData = true
    /// The number of the mid's header extension; `nil` leaves it out, for one audio section needs none.
    package var midExtensionID: UInt8?

    package init(local: LocalDescription) { self.local = local }
}

/// An offer of one bundle: audio as mid 0, then data channels (RFC 9429 section 5.2.1).
package func offer(_ parameters: OfferParameters) -> String {
    let local = parameters.local
    let mids = (0..<(parameters.hasAudio ? 1 : 0) + (parameters.hasData ? 1 : 0)).map { String($0) }
    var description = local.begin(bundle: mids)
    for (index, mid) in mids.enumerated() {
        let isAudio = parameters.hasAudio && index == 0
        var media = isAudio ? audioSection(mid: mid, parameters) : dataSection(mid: mid, parameters)
        local.addTransport(to: &media, setup: parameters.setup, isTagged: index == 0)
        description.media.append(media)
    }
    return description.text
}

private func audioSection(mid: String, _ parameters: OfferParameters) -> SDPMedia {
    let red = parameters.offersRED ? parameters.redType : nil
    let types = parameters.prefersRED ? [red, parameters.opusType] : [parameters.opusType, red]
    var media = parameters.local.section(
        "audio", proto: "UDP/TLS/RTP/SAVPF", formats: types.compactMap { $0.map { String($0) } })
    media.attributes.add("mid", mid)
    media.attributes.add(MediaDirection.sendrecv.rawValue)
    media.attributes.add("rtcp-mux")
    parameters.local.addCodecs(to: &media, opusType: parameters.opusType, redType: red, hasNACK: parameters.offersNACK)
    if let id = parameters.midExtensionID { media.attributes.add("extmap", "\(id) \(AudioSection.midExtensionURI)") }
    parameters.local.addSource(to: &media)
    return media
}

private func dataSection(mid: String, _ parameters: OfferParameters) -> SDPMedia {
    var media = parameters.local.section("application", proto: "UDP/DTLS/SCTP", formats: [DataSection.format])
    media.attributes.add("mid", mid)
    parameters.local.addSCTP(to: &media, sctpInit: parameters.local.sctpInit)
    return media
}
