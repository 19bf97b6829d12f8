internal import COpus

/// How speech is encoded.
package struct OpusEncoderSettings: Hashable, Sendable {
    package var bitsPerSecond: Int32
    /// 0, the fastest, to 10.
    package var complexity: Int32
    /// The loss that in-band FEC is made for, in percent; at 0 there is none.
    package var expectedLossPercent: Int32

    package init(bitsPerSecond: Int32 = 24_000, complexity: Int32 = 5, expectedLossPercent: Int32 = 0) {
        self.bitsPerSecond = bitsPerSecond
        self.complexity = complexity
        self.expectedLossPercent = expectedLossPercent
    }
}

extension OpusEncoderSettings {
    /// The same bit rate, of which part goes into a coarse copy of each frame within the next (in-band FEC). libopus makes
    /// the copies for an expected loss: at a tenth it does so for every active frame of speech.
    package var withErrorCorrection: OpusEncoderSettings {
        var settings = self
        settings.expectedLossPercent = 10
        return settings
    }
}

/// One libopus encoder of one channel, tuned for speech (`OPUS_APPLICATION_VOIP`). It owns its C state and frees it.
///
/// Equal samples and settings give equal packets: libopus reads no clock and no random source.
package struct OpusEncoder: ~Copyable {
    private let state: OpaquePointer
    package let sampleRate: OpusSampleRate

    package init(sampleRate: OpusSampleRate, settings: OpusEncoderSettings = OpusEncoderSettings()) throws(OpusError) {
        var result: Int32 = 0
        guard let state = opus_encoder_create(Int32(sampleRate.rawValue), 1, OPUS_APPLICATION_VOIP, &result) else {
            throw OpusError(code: result)
        }
        do throws(OpusError) {
            try Self.apply(settings, to: state)
        } catch {
            // Nobody owns it yet, so no deinit will.
            opus_encoder_destroy(state)
            throw error
        }
        self.state = state
        self.sampleRate = sampleRate
    }

    deinit { opus_encoder_destroy(state) }

    /// Changes the settings from the next frame on; the sound goes on without a break.
    package mutating func apply(_ settings: OpusEncoderSettings) throws(OpusError) { try Self.apply(settings, to: state) }

    private static func apply(_ settings: OpusEncoderSettings, to state: OpaquePointer) throws(OpusError) {
        try OpusError.check(parallax_opus_set_bitrate(state, settings.bitsPerSecond))
        try OpusError.check(parallax_opus_set_complexity(state, settings.complexity))
        try OpusError.check(parallax_opus_set_inband_fec(state, settings.expectedLossPercent > 0 ? 1 : 0))
        try OpusError.check(parallax_opus_set_packet_loss_percent(state, settings.expectedLossPercent))
    }

    /// How much later than the samples went in the decoded ones come out, in samples at the encoder's rate.
    package var lookaheadSampleCount: Int {
        var count: Int32 = 0
        parallax_opus_get_lookahead(state, &count)
        return Int(count)
    }

    /// One packet of `samples`: 2.5, 5, 10, 20, 40 or 60 ms of −1 … 1.
    package mutating func encode(_ samples: Span<Float>) throws(OpusError) -> [UInt8] {
        var result: Int32 = 0
        let packet = [UInt8](unsafeUninitializedCapacity: Self.maxPacketByteCount) { output, count in
            result = samples.withUnsafeBufferPointer { input in
                guard let source = input.baseAddress, let target = output.baseAddress else { return OPUS_BAD_ARG }
                return opus_encode_float(state, source, Int32(clamping: input.count), target, Int32(output.count))
            }
            count = max(0, Int(result))
        }
        try OpusError.check(result)
        return packet
    }

    /// libopus advises 4,000 bytes; one frame has 1,275 at most, and 60 ms are three of them.
    private static let maxPacketByteCount = 4_000
}
