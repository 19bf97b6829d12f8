/// Why a packet or a session was refused. A packet that is refused is to be dropped; its bytes are undefined.
package enum SRTPFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes cannot be an RTP or RTCP packet of this profile: too short for header and tag, or another version.
    case malformed
    /// The buffer has no room for what protection adds.
    case noRoom
    /// The tag is wrong: damaged, forged, or of another session.
    case notAuthentic
    /// The packet came before, or is older than the window can tell.
    case replayed
    /// The peer uses more synchronization sources than the limit.
    case tooManySources
    /// Master key and salt do not have the profile's lengths.
    case invalidKeys
    /// libsrtp's status, where none of the others says it.
    case library(Int)

    package var description: String {
        switch self {
        case .malformed: "no SRTP packet"
        case .noRoom: "no room for what SRTP adds"
        case .notAuthentic: "the SRTP packet is not authentic"
        case .replayed: "the SRTP packet came before"
        case .tooManySources: "too many synchronization sources"
        case .invalidKeys: "the SRTP keys do not fit the profile"
        case .library(let status): "libsrtp: status \(status)"
        }
    }
}
