extension AudioSection {
    /// The URI of the header extension that carries the mid (RFC 9143 section 15).
    static let midExtensionURI = "urn:ietf:params:rtp-hdrext:sdes:mid"
    /// RFC 5764 section 8, and what RFC 9429 section 5.1.2 has readers take besides.
    private static let protocols: Set<String> = ["UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF", "RTP/SAVPF", "UDP/TLS/RTP/SAVP"]

    init(_ media: SDPMedia, in session: SessionDescription) throws(SDPRefusal) {
        let attributes = media.attributes
        guard Self.protocols.contains(media.proto) else {
            throw SDPRefusal(.unsupportedProtocol, line: media.line, expected: "UDP/TLS/RTP/SAVPF for audio")
        }
        guard attributes.contains("rtcp-mux") else {
            throw SDPRefusal(.noRTCPMux, line: media.line, expected: "a=rtcp-mux: RTP and RTCP on one port")
        }
        let codecs = attributes.codecs(of: media.formats)
        guard let opus = codecs.first(where: { $0.name == "opus/48000/2" }) else {
            throw SDPRefusal(.noOpus, line: media.line, expected: "opus/48000/2 among the formats of this section")
        }
        // RED counts where all its blocks are this Opus (RFC 2198 section 5).
        let red = codecs.first { codec in
            codec.name.hasPrefix("red/48000") && attributes.all("fmtp", of: codec.payloadType).contains { parameters in
                let types = parameters.split(separator: "/")
                return types.count >= 2 && types.allSatisfy { $0.decimal(UInt8.self) == opus.payloadType }
            }
        }
        mid = try media.mid()
        direction = Self.direction(attributes) ?? Self.direction(session.attributes) ?? .sendrecv
        self.opus = opus.payloadType
        opusParameters = attributes.all("fmtp", of: opus.payloadType).first.map(OpusParameters.init(parsing:)) ?? OpusParameters()
        self.red = red?.payloadType
        prefersRED = red.map { $0.place < opus.place } ?? false
        hasNACK = attributes.all("rtcp-fb").contains { line in
            line.value.words == [Substring(String(opus.payloadType)), "nack"] || line.value.words == ["*", "nack"]
        }
        midExtensionID = Self.extensionID(Self.midExtensionURI, attributes + session.attributes)
        let source = attributes.all("ssrc").first { $0.value.contains(" cname:") } ?? attributes.all("ssrc").first
        ssrc = source?.value.words.first?.decimal(UInt32.self)
        cname = source?.value.cut(at: " ")?.1.cut(at: ":").flatMap { $0.0 == "cname" ? String($0.1) : nil }
        msid = attributes.first("msid")?.value
        packetTime = attributes.first("ptime")?.value.flatMap { $0[...].decimal(Int.self) }.flatMap { (3...120).contains($0) ? $0 : nil }
        proto = media.proto
    }

    private static func direction(_ attributes: [SDPAttribute]) -> MediaDirection? {
        attributes.lazy.compactMap { MediaDirection(rawValue: $0.name) }.first
    }

    /// `a=extmap:4 URI` or `a=extmap:4/sendonly URI` (RFC 8285 section 8); one-byte headers number 1 to 14.
    private static func extensionID(_ uri: String, _ attributes: [SDPAttribute]) -> UInt8? {
        for line in attributes.all("extmap") {
            let words = line.value.words
            guard words.count >= 2, words[1] == uri, let number = words[0].split(separator: "/").first?.decimal(UInt8.self)
            else { continue }
            return (1...14).contains(number) ? number : nil
        }
        return nil
    }
}

/// One `a=rtpmap` of a format that the `m=` line names.
private struct Codec {
    var payloadType: UInt8
    /// In small letters: `opus/48000/2`.
    var name: String
    /// Its place in the `m=` line: what stands earlier is preferred (RFC 3264 section 5.1).
    var place: Int
}

extension [SDPAttribute] {
    fileprivate func codecs(of formats: [String]) -> [Codec] {
        formats.enumerated().compactMap { place, format in
            guard let payloadType = format[...].decimal(UInt8.self), payloadType < 128,
                let name = all("rtpmap", of: payloadType).first
            else { return nil }
            return Codec(payloadType: payloadType, name: name.lowercased(), place: place)
        }
    }
}

extension DataSection {
    private static let protocols: Set<String> = ["UDP/DTLS/SCTP", "TCP/DTLS/SCTP"]
    static let format = "webrtc-datachannel"

    init(_ media: SDPMedia) throws(SDPRefusal) {
        guard Self.protocols.contains(media.proto), media.formats.contains(Self.format) else {
            throw SDPRefusal(
                .unsupportedProtocol, line: media.line, expected: "UDP/DTLS/SCTP webrtc-datachannel for data channels")
        }
        // RFC 8841 section 5.1: the port must be said.
        guard let port = media.attributes.first("sctp-port"), let number = port.value?[...].decimal(UInt16.self), number != 0 else {
            throw SDPRefusal(line: media.attributes.first("sctp-port")?.line ?? media.line, expected: "a=sctp-port from 1 to 65535")
        }
        mid = try media.mid()
        sctpPort = number
        maxMessageSize = Self.defaultMaxMessageSize
        if let size = media.attributes.first("max-message-size") {
            guard let byteCount = size.value?[...].decimal(UInt64.self) else {
                throw SDPRefusal(line: size.line, expected: "a=max-message-size with a number of bytes")
            }
            maxMessageSize = byteCount
        }
        if let line = media.attributes.first("sctp-init") {
            guard let bytes = Base64.decode((line.value ?? "")[...]), (1...SDPLimits.sctpInitByteCount).contains(bytes.count) else {
                throw SDPRefusal(line: line.line, expected: "a=sctp-init with base64 of at most \(SDPLimits.sctpInitByteCount) bytes")
            }
            sctpInit = bytes
        }
        proto = media.proto
    }

    /// RFC 8841 section 6.1: what holds when nothing is said.
    private static let defaultMaxMessageSize: UInt64 = 65_536
}
