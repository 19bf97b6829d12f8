internal import Wire

/// An Ogg Opus file (RFC 7845): its headers, its packets, and how much of their sound is meant to be heard.
package struct OggOpus: Hashable, Sendable {
    package var head: OpusHead
    package var tags: OpusTags
    /// Opus packets, in order.
    package var packets: [[UInt8]]
    /// What a player plays, in samples at 48 kHz: all packets, less pre-skip and end trimming (sections 4.2 to 4.4).
    package var playableSampleCount: Int

    /// Reads the first Opus stream of the file; other streams beside it are passed over.
    ///
    /// Every page must be there and its checksum right, and the stream must have its end page: half a prompt must not pass
    /// for the whole one.
    package static func read(
        _ bytes: Span<UInt8>, limits: AudioLimits = AudioLimits()
    ) throws(AudioFileError) -> OggOpus {
        guard bytes.count <= limits.fileByteCount else { throw .overLimit(.oggOpus, "too many bytes") }
        var stream = OpusStreamReader(limits: limits)
        var reader = ByteReader(bytes)
        while !stream.isOver {
            let page: OggPage
            do throws(ParseError) { page = try OggPage(&reader) } catch { throw AudioFileError(error, in: .oggOpus) }
            try stream.receive(page)
        }
        // A page after the end begins another stream in a chain. What is no page is of no concern to Ogg.
        if let next = try? OggPage(&reader), next.isFirst {
            throw .unsupported(.oggOpus, "several recordings in a row")
        }
        return try stream.finish()
    }
}

/// Takes the pages of a file one after the other and keeps what belongs to its first Opus stream.
private struct OpusStreamReader {
    private enum Expecting {
        case head
        case tags(OpusHead)
        case audio(OpusHead, OpusTags)
        case nothing(OpusHead, OpusTags)
    }

    private let limits: AudioLimits
    private var expecting = Expecting.head
    private var serial: UInt32 = 0
    private var nextSequence: UInt32 = 0
    /// The pieces of a packet that goes on on the next page.
    private var partial: [UInt8]?
    private var packets: [[UInt8]] = []
    /// The length of all packets so far, in samples at 48 kHz.
    private var sampleCount = 0
    /// The granule position at which the first packet begins: above 0 in a recording cut out of a longer one.
    private var origin: UInt64?
    /// The granule position of the last page that had one.
    private var lastGranule: UInt64 = 0

    init(limits: AudioLimits) { self.limits = limits }

    var isOver: Bool { if case .nothing = expecting { true } else { false } }

    mutating func receive(_ page: OggPage) throws(AudioFileError) {
        if case .head = expecting {
            guard page.isFirst else { throw .unsupported(.oggOpus, "a codec that is not Opus") }
            // Another stream's first page: all first pages stand at the beginning of the file (RFC 3533 section 4).
            guard page.body.starts(with: OpusHead.magic) else { return }
            serial = page.serial
            nextSequence = page.sequence
        }
        guard page.serial == serial else { return }
        guard page.sequence == nextSequence else { throw .malformed(.oggOpus, "a page is missing") }
        nextSequence &+= 1
        guard page.isContinued == (partial != nil) else { throw .malformed(.oggOpus, "a packet is torn between pages") }

        let samplesBefore = sampleCount
        try receiveSegments(of: page)
        try receiveGranule(of: page, pageSampleCount: sampleCount - samplesBefore)
        if page.isLast { try end() }
    }

    private mutating func receiveSegments(of page: OggPage) throws(AudioFileError) {
        var offset = 0
        var packet = partial ?? []
        partial = nil
        var isWhole = true
        for length in page.lacing {
            packet += page.body[offset..<(offset + Int(length))]
            offset += Int(length)
            isWhole = length < 255
            if isWhole {
                // Each header ends its page (RFC 7845 section 3).
                let isHeader = if case .audio = expecting { false } else { true }
                guard !isHeader || offset == page.body.count else {
                    throw .malformed(.oggOpus, "a header does not end its page")
                }
                try receive(packet: packet)
                packet.removeAll()
            } else {
                guard packet.count <= limits.oggPacketByteCount else { throw .overLimit(.oggOpus, "a packet is too long") }
            }
        }
        if !isWhole || page.lacing.isEmpty && page.isContinued { partial = packet }
    }

    private mutating func receive(packet: [UInt8]) throws(AudioFileError) {
        if case .head = expecting {
            expecting = .tags(try OpusHead(packet.span))
            return
        }
        do throws(ParseError) {
            switch expecting {
            case .head, .nothing:
                break
            case .tags(let head):
                expecting = .audio(head, try OpusTags(packet.span))
            case .audio:
                sampleCount += try OpusPacketHeader(packet.span).sampleCount
                guard sampleCount <= limits.durationSeconds * 48_000 else { throw .overLimit("too long") }
                packets.append(packet)
            }
        } catch {
            throw AudioFileError(error, in: .oggOpus)
        }
    }

    private mutating func receiveGranule(of page: OggPage, pageSampleCount: Int) throws(AudioFileError) {
        guard pageSampleCount > 0 else { return }
        // The position is a signed number of which only −1 is ever negative.
        guard page.granule <= UInt64(Int64.max) else { throw .malformed(.oggOpus, "a page does not say its time") }
        if origin == nil {
            // Fewer samples than the page holds are right only where the end is trimmed (RFC 7845 section 4.4).
            guard page.granule >= UInt64(pageSampleCount) || page.isLast else {
                throw .malformed(.oggOpus, "it begins before time 0")
            }
            origin = page.granule - min(page.granule, UInt64(pageSampleCount))
        }
        guard page.granule >= lastGranule else { throw .malformed(.oggOpus, "its time runs backwards") }
        lastGranule = page.granule
    }

    private mutating func end() throws(AudioFileError) {
        guard partial == nil, case .audio(let head, let tags) = expecting else { throw .truncated(.oggOpus) }
        expecting = .nothing(head, tags)
    }

    func finish() throws(AudioFileError) -> OggOpus {
        guard case .nothing(let head, let tags) = expecting else { throw .truncated(.oggOpus) }
        // The last position below the sum of the packets trims the end; one above it tells of a hole, which is no sound.
        let heard = min(UInt64(sampleCount), lastGranule - (origin ?? 0))
        let playable = Int(heard) - head.preSkip
        guard playable > 0 else { throw .empty(.oggOpus) }
        return OggOpus(head: head, tags: tags, packets: packets, playableSampleCount: playable)
    }
}
