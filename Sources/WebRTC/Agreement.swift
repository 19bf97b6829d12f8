internal import DTLS
internal import ICE
internal import Wire

/// What offer and answer have agreed on, as far as the connection needs it.
struct Agreement {
    var remote: ICECredentials
    /// The peer answers checks and sends none (ICE-lite).
    var isRemoteLite: Bool
    var candidates: [PeerAddress]
    var fingerprints: [CertificateFingerprint]
    /// Our part in the DTLS handshake.
    var dtlsRole: DTLSRole
    var audio: Audio?
    var data: Data?

    struct Audio {
        var payloadType: UInt8
        /// There where both sides take RED.
        var redPayloadType: UInt8?
    }

    struct Data {
        /// The peer's SCTP INIT chunk, where both sides set up SCTP by SDP.
        var initiation: [UInt8]?
    }
}
