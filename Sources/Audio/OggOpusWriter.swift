internal import Wire

/// Writes one Opus stream as an Ogg file (RFC 7845). The file is kept in memory until `finish`.
package struct OggOpusWriter {
    private var output: [UInt8] = []
    private var page: OggPage
    private let preSkip: Int
    private let packetsPerPage: Int
    private var pagePacketCount = 0
    /// The length of all packets so far, in samples at 48 kHz.
    private var sampleCount = 0
    /// The same up to the last page that is written.
    private var writtenSampleCount = 0

    /// - Parameters:
    ///   - serial: names the stream within the file; any number does for a file of one stream.
    ///   - packetsPerPage: more make the file smaller; 50 packets of 20 ms are the second that RFC 7845 section 6 advises.
    package init(head: OpusHead, tags: OpusTags, serial: UInt32, packetsPerPage: Int = 50) {
        preSkip = head.preSkip
        self.packetsPerPage = packetsPerPage
        page = OggPage(serial: serial, sequence: 0)
        page.isFirst = true
        appendHeader(head.bytes)
        appendHeader(tags.bytes)
    }

    /// Adds one Opus packet.
    /// - Throws: `AudioFileError.malformed` for what is no Opus packet; the file is as before.
    package mutating func append(_ packet: [UInt8]) throws(AudioFileError) {
        let header: OpusPacketHeader
        do throws(ParseError) { header = try OpusPacketHeader(packet.span) } catch { throw AudioFileError(error, in: .oggOpus) }
        // The page stays open until more follows, because the last one carries the end flag.
        if pagePacketCount >= packetsPerPage { flushPage() }
        appendSegments(packet)
        sampleCount += header.sampleCount
        page.granule = UInt64(sampleCount)
        pagePacketCount += 1
    }

    /// The whole file.
    /// - Parameter playableSampleCount: where given, and less than the packets hold, the end is trimmed to it (section 4.4),
    ///   but never by more than the last page: time may not run backwards.
    package consuming func finish(playableSampleCount: Int? = nil) -> [UInt8] {
        page.isLast = true
        let end = playableSampleCount.map { max(writtenSampleCount, preSkip + $0) } ?? sampleCount
        page.granule = UInt64(min(sampleCount, end))
        flushPage()
        return output
    }

    /// A header packet has the granule position 0 and ends its page (section 3).
    private mutating func appendHeader(_ packet: [UInt8]) {
        appendSegments(packet)
        page.granule = 0
        flushPage()
    }

    /// Lays a packet over as many pages as it needs: segments of 255 bytes, ended by a shorter one, which may be empty.
    private mutating func appendSegments(_ packet: [UInt8]) {
        var offset = 0
        while true {
            if page.lacing.count == 255 {
                flushPage()
                page.isContinued = offset > 0
            }
            let length = min(255, packet.count - offset)
            page.lacing.append(UInt8(truncatingIfNeeded: length))
            page.body += packet[offset..<(offset + length)]
            offset += length
            if length < 255 { return }
        }
    }

    private mutating func flushPage() {
        page.write(to: &output)
        writtenSampleCount = sampleCount
        page = OggPage(serial: page.serial, sequence: page.sequence &+ 1)
        pagePacketCount = 0
    }
}
