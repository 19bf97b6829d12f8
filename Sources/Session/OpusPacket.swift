/// What the core knows of an Opus packet: how long it plays. Everything else is the codec's affair.
package enum OpusPacket {
    /// The play-out time of one packet, read from its TOC byte and frame count (RFC 6716 section 3.1 and 3.2).
    /// - Returns: `nil` when the packet is empty, has no frame count, or would play longer than 120 ms.
    package static func duration(of packet: [UInt8]) -> Duration? {
        guard let toc = packet.first else { return nil }
        let frameMicroseconds: Int
        switch toc >> 3 {
        case let configuration where configuration < 12: // SILK: 10, 20, 40, 60 ms
            frameMicroseconds = [10_000, 20_000, 40_000, 60_000][Int(configuration & 3)]
        case let configuration where configuration < 16: // hybrid: 10, 20 ms
            frameMicroseconds = configuration & 1 == 0 ? 10_000 : 20_000
        case let configuration: // CELT: 2.5, 5, 10, 20 ms
            frameMicroseconds = 2_500 << Int(configuration & 3)
        }
        let frameCount: Int
        switch toc & 3 {
        case 0: frameCount = 1
        case 1, 2: frameCount = 2
        default:
            guard packet.count >= 2 else { return nil }
            frameCount = Int(packet[1] & 0x3F)
        }
        let microseconds = frameCount * frameMicroseconds
        guard microseconds > 0, microseconds <= 120_000 else { return nil }
        return .microseconds(microseconds)
    }

    /// The duration to count with where the packet does not say: the usual 20 ms.
    package static let usualDuration: Duration = .milliseconds(20)
}
