/// Which way media flows, as its writer sees it (RFC 8866 section 6.7).
package enum MediaDirection: String, Hashable, Sendable {
    case sendrecv, sendonly, recvonly, inactive

    /// What the answer says when the answerer does all that the offer lets it (RFC 9429 section 5.3.1).
    package var mirrored: MediaDirection {
        switch self {
        case .sendrecv: .sendrecv
        case .sendonly: .recvonly
        case .recvonly: .sendonly
        case .inactive: .inactive
        }
    }
}

/// The `a=fmtp` parameters of Opus (RFC 7587 section 6.1): what the writer would like to receive.
package struct OpusParameters: Hashable, Sendable {
    /// The writer can use in-band FEC.
    package var usesInbandFEC = false
    package var usesDTX = false
    package var isStereo = false
    package var isConstantBitRate = false
    /// Bits a second, 6,000 to 510,000.
    package var maxAverageBitRate: Int?
    /// Hertz.
    package var maxPlaybackRate: Int?
    /// Milliseconds; Chromium's own addition, which all echo.
    package var minimumPacketTime: Int?

    package init() {}

    /// Unknown parameters, and values out of their range, are as if they were not there: none of them is needed.
    init(parsing text: Substring) {
        for parameter in text.split(separator: ";") {
            guard let (name, value) = parameter.cut(at: "=") else { continue }
            let trimmed = value.filter { $0 != " " }[...]
            let number = trimmed.decimal(Int.self)
            switch name.filter({ $0 != " " }).lowercased() {
            case "useinbandfec": usesInbandFEC = number == 1
            case "usedtx": usesDTX = number == 1
            case "stereo": isStereo = number == 1
            case "cbr": isConstantBitRate = number == 1
            case "maxaveragebitrate": maxAverageBitRate = number.flatMap { (6_000...510_000).contains($0) ? $0 : nil }
            case "maxplaybackrate": maxPlaybackRate = number.flatMap { (8_000...48_000).contains($0) ? $0 : nil }
            case "minptime": minimumPacketTime = number.flatMap { (3...120).contains($0) ? $0 : nil }
            default: break
            }
        }
    }

    /// The value after the payload type; `nil` when all is as by default.
    var value: String? {
        var parameters: [String] = []
        if let minimumPacketTime { parameters.append("minptime=\(minimumPacketTime)") }
        if usesInbandFEC { parameters.append("useinbandfec=1") }
        if usesDTX { parameters.append("usedtx=1") }
        if isStereo { parameters.append("stereo=1") }
        if isConstantBitRate { parameters.append("cbr=1") }
        if let maxAverageBitRate { parameters.append("maxaveragebitrate=\(maxAverageBitRate)") }
        if let maxPlaybackRate { parameters.append("maxplaybackrate=\(maxPlaybackRate)") }
        return parameters.isEmpty ? nil : parameters.joined(separator: ";")
    }
}

/// The audio section of a description, as far as Opus goes.
package struct AudioSection: Hashable, Sendable {
    /// The name of the section in the bundle (RFC 9143); `nil` where a lone section has none.
    package var mid: String?
    package var direction: MediaDirection
    /// The payload type of `opus/48000/2`.
    package var opus: UInt8
    package var opusParameters: OpusParameters
    /// The payload type of RED over that Opus (RFC 2198), where it is offered.
    package var red: UInt8?
    /// Whether RED stands before Opus in the `m=` line: then the writer wants to receive it.
    package var prefersRED: Bool
    /// Whether the writer sends and understands generic NACK for Opus (RFC 4585 section 4.2).
    package var hasNACK: Bool
    /// The number of the header extension that carries the mid (RFC 9143 section 15), 1 to 14.
    package var midExtensionID: UInt8?
    /// The SSRC that the writer sends with, where it tells (RFC 5576).
    package var ssrc: UInt32?
    package var cname: String?
    /// Stream and track of `a=msid` (RFC 8830).
    package var msid: String?
    /// `a=ptime`, in milliseconds: how much audio the writer would like in a packet.
    package var packetTime: Int?
    /// The protocol word, which an answer repeats.
    package var proto: String
}

/// The data section of a description (RFC 8841).
package struct DataSection: Hashable, Sendable {
    package var mid: String?
    package var sctpPort: UInt16
    /// The longest message that the writer takes, in bytes; 0 means any (section 6).
    package var maxMessageSize: UInt64
    /// The writer's SCTP INIT chunk (`a=sctp-init`, draft-hancke-tsvwg-snap), which saves the association its handshake.
    package var sctpInit: [UInt8]?
    package var proto: String
}

/// A section that is not for us; an answer must repeat it with port 0, in its place.
package struct OtherSection: Hashable, Sendable {
    package var kind: String
    package var proto: String
    package var formats: [String]
    package var mid: String?
}
