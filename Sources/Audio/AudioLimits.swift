/// What an audio file may cost, checked before the memory is taken.
package struct AudioLimits: Hashable, Sendable {
    /// The greatest file.
    package var fileByteCount = 256 << 20
    /// The longest audio, before any trimming.
    package var durationSeconds = 900
    /// The most RIFF chunks that are looked at for `fmt ` and `data`.
    package var chunkCount = 256
    /// The greatest packet that is put together from Ogg pages: the tags may hold a picture.
    package var oggPacketByteCount = 1 << 20
    /// The sample rates that a WAV file may have.
    package var sampleRates = 4_000...192_000

    package init() {}
}
