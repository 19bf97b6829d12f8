internal import Session
internal import Wire

/// Numbers the answer frames that come in events, where the server does not, and gives them the times that events do not have.
struct HeardAudio {
    private var sequence: UInt16 = 0
    private var timestamp = MediaTime(ticks: 0)

    /// - Parameter number: the frame's own.
    /// - Returns: `nil` for what is no Opus packet.
    mutating func frame(_ packet: [UInt8], number: UInt16?) -> MediaFrame? {
        guard let duration = OpusPacket.duration(of: packet) else { return nil }
        if let number, number != sequence {
            let distance = Int16(bitPattern: number &- sequence)
            timestamp = timestamp.advanced(by: duration * Int(distance))
            sequence = number
        }
        defer {
            sequence &+= 1
            timestamp = timestamp.advanced(by: duration)
        }
        return MediaFrame(sequence: sequence, timestamp: timestamp, marker: sequence == 0, payload: packet)
    }
}
