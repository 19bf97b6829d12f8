internal import Session
internal import Wire

/// Numbers the answer frames that come in events, which have neither numbers nor times of their own.
struct HeardAudio {
    private var sequence: UInt16 = 0
    private var timestamp = MediaTime(ticks: 0)

    /// - Returns: `nil` for what is no Opus packet.
    mutating func frame(_ packet: [UInt8]) -> MediaFrame? {
        guard let duration = OpusPacket.duration(of: packet) else { return nil }
        defer {
            sequence &+= 1
            timestamp = timestamp.advanced(by: duration)
        }
        return MediaFrame(sequence: sequence, timestamp: timestamp, marker: sequence == 0, payload: packet)
    }
}
