internal import COpus

/// One libopus decoder with one channel of output. It owns its C state and frees it.
///
/// Give it every frame of the stream in order, with `conceal` or `decodeRedundancy` in the place of a missing one: what it
/// gives next depends on what it was given before.
package struct OpusDecoder: ~Copyable {
    private let state: OpaquePointer
    package let sampleRate: OpusSampleRate

    package init(sampleRate: OpusSampleRate) throws(OpusError) {
        var result: Int32 = 0
        guard let state = opus_decoder_create(Int32(sampleRate.rawValue), 1, &result) else { throw OpusError(code: result) }
        self.state = state
        self.sampleRate = sampleRate
    }

    deinit { opus_decoder_destroy(state) }

    /// The samples of one packet; those of a stereo packet mixed to one channel.
    package mutating func decode(_ packet: Span<UInt8>) throws(OpusError) -> [Float] {
        // libopus takes no bytes for a lost packet. Here they are what they are: no packet.
        guard packet.count > 0 else { throw OpusError(code: OPUS_INVALID_PACKET) }
        return try run(packet, sampleCount: sampleRate.maxPacketSampleCount, redundancy: false)
    }

    /// What libopus invents for a frame that is missing (packet loss concealment): never to be counted as received.
    /// - Parameter sampleCount: a multiple of 2.5 ms.
    package mutating func conceal(sampleCount: Int) throws(OpusError) -> [Float] {
        try run([UInt8]().span, sampleCount: sampleCount, redundancy: false)
    }

    /// The low-rate copy of the missing frame that `next`, the packet after it, carries (in-band FEC, RFC 6716
    /// section 2.1.7); concealment where it carries none.
    package mutating func decodeRedundancy(in next: Span<UInt8>, sampleCount: Int) throws(OpusError) -> [Float] {
        guard next.count > 0 else { throw OpusError(code: OPUS_INVALID_PACKET) }
        return try run(next, sampleCount: sampleCount, redundancy: true)
    }

    private func run(_ packet: Span<UInt8>, sampleCount: Int, redundancy: Bool) throws(OpusError) -> [Float] {
        guard (1...sampleRate.maxPacketSampleCount).contains(sampleCount) else { throw OpusError(code: OPUS_BAD_ARG) }
        var result: Int32 = 0
        let samples = [Float](unsafeUninitializedCapacity: sampleCount) { output, count in
            result = packet.withUnsafeBufferPointer { input in
                guard let target = output.baseAddress else { return OPUS_BAD_ARG }
                // No address stands for a lost packet.
                let source = input.isEmpty ? nil : input.baseAddress
                return opus_decode_float(
                    state, source, Int32(clamping: input.count), target, Int32(output.count), redundancy ? 1 : 0)
            }
            count = max(0, Int(result))
        }
        try OpusError.check(result)
        return samples
    }
}
