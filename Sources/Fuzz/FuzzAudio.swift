internal import Audio
internal import Wire

func fuzzWAV(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let sound = try? WAV.read(input) else { return false }
    try expect(!sound.samples.isEmpty && sound.samples.count <= input.count, "each sample has bytes of its own")
    try expect(sound.samples.allSatisfy { (-1...1).contains($0) }, "no sample is over full scale")
    let written = WAV.write(sound)
    let again = try? WAV.read(written.span)
    try expect(again?.samples.count == sound.samples.count, "what was read can be written and read again")
    // Resampling must hold for every rate that a file may have; a short piece of the sound will do.
    let piece = PCM(sampleRate: sound.sampleRate, samples: Array(sound.samples.prefix(64)))
    try expect(
        Resampler.resample(piece, to: 48_000).samples.count == piece.samples.count * 48_000 / piece.sampleRate,
        "resampling keeps the length")
    return true
}

/// The checksums would stop nearly every mutation, so they are put right first.
func fuzzOgg(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let repaired = withRightChecksums([UInt8](input))
    guard let file = try? OggOpus.read(repaired.span) else { return false }
    try expect(!file.packets.isEmpty && file.playableSampleCount > 0, "there is something to hear")
    var writer = OggOpusWriter(head: file.head, tags: file.tags, serial: 1)
    do throws(AudioFileError) {
        for packet in file.packets { try writer.append(packet) }
    } catch {
        throw FuzzFinding(description: "a packet that was read cannot be written: \(error)")
    }
    let written = writer.finish(playableSampleCount: file.playableSampleCount)
    guard let again = try? OggOpus.read(written.span) else {
        throw FuzzFinding(description: "broken: what was written can be read")
    }
    try expect(again.head == file.head && again.tags == file.tags && again.packets == file.packets, "nothing is lost")
    // The writer trims its last page only, whose 50 packets may be fewer than those of the page that was read.
    try expect(again.playableSampleCount >= file.playableSampleCount, "the writer trims no more than it is told to")
    return true
}

func fuzzOpusPacket(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    guard let header = try? OpusPacketHeader(input) else { return false }
    try expect((1...48).contains(header.frameCount), "1 to 48 frames")
    try expect(header.sampleCount <= 5760 && header.sampleCount % 120 == 0, "2.5 ms or a multiple of it, up to 120 ms")
    try expect(header.firstFrame.upperBound <= input.count, "the first frame lies within the packet")
    let copy = OpusPacket.forwardErrorCorrection(in: [UInt8](input))
    try expect(copy == nil || header.configuration < 16 && !header.firstFrame.isEmpty, "only LP frames carry a copy")
    return true
}

/// `file` with the checksum of every Ogg page that it holds whole, as far as pages follow each other.
private func withRightChecksums(_ file: [UInt8]) -> [UInt8] {
    var file = file
    var start = 0
    while start + 27 <= file.count {
        let lacingEnd = start + 27 + Int(file[start + 26])
        guard lacingEnd <= file.count else { break }
        let end = file[(start + 27)..<lacingEnd].reduce(lacingEnd) { $0 + Int($1) }
        guard end <= file.count else { break }
        for index in 22..<26 { file[start + index] = 0 }
        var check = OggChecksum()
        check.add(file.span.extracting(start..<end))
        for index in 0..<4 { file[start + 22 + index] = UInt8(truncatingIfNeeded: check.value >> UInt32(8 * index)) }
        start = end
    }
    return file
}
