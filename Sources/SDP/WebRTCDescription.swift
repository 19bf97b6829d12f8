package import Wire

/// What an offer or an answer says that we use: one bundle of at most one audio and one data section.
///
/// Video and further sections are kept only so that an answer can refuse them in their places.
package struct WebRTCDescription: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        case offer, answer
    }

    /// The sections in their order.
    package enum Section: Hashable, Sendable {
        case audio, data
        case other(OtherSection)
    }

    package var kind: Kind
    package var ice: ICEParameters
    /// `a=ice-options` has `trickle` (RFC 8840): more candidates may follow.
    package var canTrickle: Bool
    /// Candidates of the bundle's transport, in the order of the description; `ICECandidate.usableAddress` filters them.
    package var candidates: [ICECandidate]
    /// `a=end-of-candidates`: no more follow.
    package var hasAllCandidates: Bool
    /// Never empty; those whose algorithm we do not know are left out.
    package var fingerprints: [Fingerprint]
    package var setup: SetupRole
    /// The mids of the bundle, in its order.
    package var bundle: [String]
    package var audio: AudioSection?
    package var data: DataSection?
    package var sections: [Section]

    /// Where checks can go, the peer's best candidate first.
    package var usableAddresses: [PeerAddress] {
        candidates.enumerated().filter { $0.element.usableAddress != nil }
            .sorted { ($1.element.priority, $0.offset) < ($0.element.priority, $1.offset) }
            .compactMap(\.element.usableAddress)
    }
}
