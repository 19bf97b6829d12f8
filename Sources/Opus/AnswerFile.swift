package import Audio
package import Wire

/// Keeps the frames of an answer as they arrive, in any order, and writes them as one sound file.
///
/// A frame that is missing stays missing, and is counted: the file keeps its time. In Ogg Opus its place is taken by a
/// packet of the TOC byte alone, which asks the player for concealment (RFC 7845 section 4.1); in WAV by what libopus
/// conceals with. A pause, in which the sender was silent on purpose, is filled the same way and is not counted as missing.
package struct AnswerFile: Sendable {
    private struct Frame {
        var timestamp: MediaTime
        var packet: [UInt8]
        var header: OpusPacketHeader
    }

    /// A stretch of the file: one packet, or the place of one.
    private enum Piece {
        case packet([UInt8])
        case hole(OpusPacketHeader)
    }

    private let limits: AudioLimits
    private let preSkip: Int
    private var extender = SequenceExtender()
    private var frames: [UInt64: Frame] = [:]
    private var sampleCount = 0

    /// - Parameter preSkip: what a player throws away at the beginning, in samples at 48 kHz; 312 is libopus's delay for speech.
    package init(preSkip: Int = 312, limits: AudioLimits = AudioLimits()) {
        self.preSkip = preSkip
        self.limits = limits
    }

    /// Adds a frame under its RTP sequence number and timestamp. A number that is there already changes nothing.
    /// - Throws: `malformed` for what is no Opus packet, `overLimit` for one too many; neither changes anything.
    package mutating func append(sequence: UInt16, timestamp: MediaTime, packet: [UInt8]) throws(AudioFileError) {
        guard let header = try? OpusPacketHeader(packet.span) else { throw .malformed(.oggOpus, "no Opus packet") }
        guard sampleCount + header.sampleCount <= limits.durationSeconds * 48_000 else { throw .overLimit(.oggOpus, "too long") }
        let place = extender.extend(sequence)
        guard frames[place] == nil else { return }
        frames[place] = Frame(timestamp: timestamp, packet: packet, header: header)
        sampleCount += header.sampleCount
    }

    package var receivedFrameCount: Int { frames.count }

    /// Sequence numbers between the first and the last frame that never came.
    package var missingFrameCount: Int {
        guard let first = frames.keys.min(), let last = frames.keys.max() else { return 0 }
        return Int(last - first) + 1 - frames.count
    }

    /// The answer as an Ogg Opus file.
    /// - Throws: `empty` where nothing came, `overLimit` where the timestamps span too long a time.
    package func oggOpus(tags: OpusTags = OpusTags(vendor: "parallax"), serial: UInt32 = 1) throws(AudioFileError) -> [UInt8] {
        let isStereo = frames.values.contains { $0.header.isStereo }
        var writer = OggOpusWriter(
            head: OpusHead(channelCount: isStereo ? 2 : 1, preSkip: preSkip), tags: tags, serial: serial)
        for piece in try pieces() {
            switch piece {
            case .packet(let packet): try writer.append(packet)
            // The same configuration, code 0, a frame of no bytes.
            case .hole(let header): try writer.append([header.toc & 0xFC])
            }
        }
        return writer.finish()
    }

    /// The answer decoded, as a WAV file of one channel.
    /// - Throws: as `oggOpus`, and `codec` for a packet that libopus refuses.
    package func wav(sampleRate: OpusSampleRate = .hertz48000) throws(AudioFileError) -> [UInt8] {
        let pieces = try pieces()
        var samples: [Float] = []
        do throws(OpusError) {
            var decoder = try OpusDecoder(sampleRate: sampleRate)
            for piece in pieces {
                switch piece {
                case .packet(let packet):
                    samples += try decoder.decode(packet.span)
                case .hole(let header):
                    samples += try decoder.conceal(sampleCount: header.frameSampleCount * sampleRate.rawValue / 48_000)
                }
            }
        } catch {
            throw .codec(error.description)
        }
        return WAV.write(
            PCM(sampleRate: sampleRate.rawValue, samples: Array(samples.dropFirst(preSkip * sampleRate.rawValue / 48_000))))
    }

    /// The frames in their order, with as many holes between them as the timestamps leave room for.
    private func pieces() throws(AudioFileError) -> [Piece] {
        let ordered = frames.sorted { $0.key < $1.key }.map(\.value)
        guard var previous = ordered.first else { throw .empty(.oggOpus) }
        var pieces: [Piece] = []
        // Both count samples at 48 kHz from the first frame: what the timestamps say, and what is written.
        var due = 0
        var written = 0
        for frame in ordered {
            due += Int(Int32(bitPattern: frame.timestamp.ticks &- previous.timestamp.ticks))
            guard due <= limits.durationSeconds * 48_000 else { throw .overLimit(.oggOpus, "too long") }
            // Each hole is one frame of the packet before it. A rest shorter than that is made good at the next hole.
            let hole = previous.header
            while due - written >= hole.frameSampleCount {
                pieces.append(.hole(hole))
                written += hole.frameSampleCount
            }
            pieces.append(.packet(frame.packet))
            written += frame.header.sampleCount
            previous = frame
        }
        return pieces
    }
}
