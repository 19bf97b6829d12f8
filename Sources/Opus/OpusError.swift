internal import COpus

/// What libopus answers when it does not do what it was asked.
package struct OpusError: Error, Hashable, Sendable, CustomStringConvertible {
    /// libopus's own code, below 0.
    package var code: Int32

    init(code: Int32) { self.code = code }

    package var description: String { String(cString: opus_strerror(code)) }

    /// - Throws: what `result` stands for, where it is a code below 0.
    @discardableResult
    static func check(_ result: Int32) throws(OpusError) -> Int {
        guard result >= 0 else { throw OpusError(code: result) }
        return Int(result)
    }
}

/// The rates that libopus takes and gives, in samples a second (RFC 6716 section 2).
package enum OpusSampleRate: Int, CaseIterable, Hashable, Sendable {
    case hertz8000 = 8_000
    case hertz12000 = 12_000
    case hertz16000 = 16_000
    case hertz24000 = 24_000
    case hertz48000 = 48_000

    /// Samples in 20 ms.
    package var frameSampleCount: Int { rawValue / 50 }
    /// Samples in 120 ms, the longest packet.
    var maxPacketSampleCount: Int { rawValue * 120 / 1_000 }
}
