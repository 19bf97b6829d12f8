internal import SDP
internal import Wire

/// An offer as it comes by HTTP, and the answer to it.
func fuzzSDP(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let bytes = [UInt8](input)
    // The client's side reads answers with the same eyes.
    _ = try? WebRTCDescription(parsing: bytes, kind: .answer)
    if let text = String(validating: bytes, as: UTF8.self), let description = try? SessionDescription(parsing: text) {
        let written = description.text
        // What was near the limits may go over them: LF becomes CRLF.
        if written.utf8.count <= SDPLimits.byteCount {
            try expect((try? SessionDescription(parsing: written))?.text == written, "a description survives the round trip")
        }
    }
    guard let offer = try? WebRTCDescription(parsing: bytes, kind: .offer) else { return false }
    let local = LocalDescription(
        sessionID: 1, ice: ICEParameters(ufrag: "server", password: "serverpasswordserverpass", isLite: true),
        candidates: [PeerAddress(ipv4: 192, 0, 2, 1, port: 4_433)], fingerprint: Fingerprint(digest: [UInt8](repeating: 7, count: 32)),
        ssrc: 1, cname: "parallax")
    var parameters = AnswerParameters(local: local)
    parameters.wantsRED = true
    parameters.wantsNACK = true
    guard let text = try? answer(to: offer, with: parameters), let read = try? WebRTCDescription(parsing: text, kind: .answer) else {
        throw FuzzFinding(description: "broken: an offer that is taken has an answer that can be read")
    }
    try expect(read.ice == local.ice && read.fingerprints == [local.fingerprint], "the answer says who we are")
    try expect(read.sections.count == offer.sections.count, "the answer has the offer's sections")
    try expect(read.audio?.opus == offer.audio?.opus && read.audio?.red == offer.audio?.red, "payload types are the offer's")
    try expect((read.data == nil) == (offer.data == nil), "data channels are answered")
    return true
}

/// The body of a PATCH to a WHIP session.
func fuzzTrickle(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let fragment = try? TrickleFragment(parsing: [UInt8](input)) else { return false }
    try expect(fragment.candidates.count <= SDPLimits.candidateCount, "candidates stay within their limit")
    var kept = fragment
    kept.candidates.removeAll { $0.address == nil }
    guard kept.ufrag != nil || kept.hasAllCandidates || !kept.candidates.isEmpty else { return true }
    try expect((try? TrickleFragment(parsing: kept.text)) == kept, "a fragment survives the round trip")
    return true
}
