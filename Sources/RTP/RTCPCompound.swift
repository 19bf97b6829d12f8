package import Wire

/// RTCP packets that travel in one datagram (RFC 3550 section 6.1), or a single one (RFC 5506).
package enum RTCPCompound {
    /// The most sequence numbers that the NACKs of one datagram may name: each may cause a resend.
    package static let missingLimit = 2048

    /// Whether a packet on the port of RTP is RTCP, by its second byte (RFC 5761 section 4).
    package static func isRTCP(_ bytes: Span<UInt8>) -> Bool {
        bytes.count >= 4 && bytes[0] >> 6 == 2 && (192...223).contains(bytes[1])
    }

    /// Reads all packets of a datagram; kinds that nobody uses here are skipped.
    /// - Throws: `.truncated` where a length does not fit, `.malformed` for what contradicts itself, `.overLimit` for too many
    ///   missing packets. Nothing of such a datagram is to be used (section A.2).
    package static func parse(_ bytes: Span<UInt8>) throws(ParseError) -> [RTCPPacket] {
        var reader = ByteReader(bytes)
        var packets: [RTCPPacket] = []
        var missingCount = 0
        repeat {
            let header = try Header(&reader)
            var body = ByteReader(try reader.readSpan(header.byteCount))
            if header.hasPadding, !reader.isAtEnd { throw .malformed("padding in an RTCP packet that is not the last") }
            guard let packet = try parse(header, &body) else { continue }
            if case .negativeAcknowledgement(_, _, let missing) = packet {
                missingCount += missing.count
                guard missingCount <= missingLimit else { throw .overLimit("a datagram asks for too many packets") }
            }
            packets.append(packet)
        } while !reader.isAtEnd
        return packets
    }

    /// Appends `packets`, one behind the other. Lists go as far as their counters do: 31 reports, sources or departures.
    package static func write(_ packets: [RTCPPacket], into output: inout [UInt8]) {
        for packet in packets { packet.write(into: &output) }
    }

    private struct Header {
        var count: UInt8
        var type: UInt8
        /// Of the body, padding included.
        var byteCount: Int
        var hasPadding: Bool

        @_lifetime(reader: copy reader)
        init(_ reader: inout ByteReader) throws(ParseError) {
            let first = try reader.readUInt8()
            guard first >> 6 == 2 else { throw .malformed("the RTCP version is not 2") }
            type = try reader.readUInt8()
            guard (192...223).contains(type) else { throw .malformed("no type of RTCP") }
            // In words, the header's own word not counted.
            byteCount = Int(try reader.readUInt16()) * 4
            count = first & 0x1F
            hasPadding = first & 0x20 != 0
        }
    }

    private static func parse(_ header: Header, _ body: inout ByteReader) throws(ParseError) -> RTCPPacket? {
        let padding = header.hasPadding ? try paddingByteCount(&body) : 0
        let content = try body.readSpan(body.remaining - padding)
        var reader = ByteReader(content)
        let count = Int(header.count)
        switch header.type {
        case PacketType.senderReport: return .senderReport(try RTCPPacket.SenderReport(&reader, count: count))
        case PacketType.receiverReport:
            let ssrc = try reader.readUInt32()
            return .receiverReport(ssrc: ssrc, reports: try reports(&reader, count: count))
        case PacketType.sourceDescription:
            var sources: [RTCPPacket.SourceDescription] = []
            for _ in 0..<count { sources.append(try RTCPPacket.SourceDescription(&reader)) }
            return .sourceDescription(sources)
        case PacketType.goodbye:
            var ssrcs: [UInt32] = []
            for _ in 0..<count { ssrcs.append(try reader.readUInt32()) }
            return .goodbye(ssrcs: ssrcs)
        case PacketType.transportFeedback where header.count == Feedback.genericNACK:
            let sender = try reader.readUInt32()
            let media = try reader.readUInt32()
            var missing: [UInt16] = []
            repeat { try Feedback.read(&reader, into: &missing) } while !reader.isAtEnd
            return .negativeAcknowledgement(sender: sender, media: media, missing: missing)
        default: return nil
        }
    }

    /// The last byte counts the padding, itself included, in whole words (section 6.4.1).
    private static func paddingByteCount(_ body: inout ByteReader) throws(ParseError) -> Int {
        var probe = body
        try probe.skip(max(0, body.remaining - 1))
        let count = Int(try probe.readUInt8())
        guard count > 0, count % 4 == 0, count <= body.remaining else { throw .malformed("an impossible padding in RTCP") }
        return count
    }

    fileprivate static func reports(_ reader: inout ByteReader, count: Int) throws(ParseError) -> [RTCPPacket.ReportBlock] {
        var reports: [RTCPPacket.ReportBlock] = []
        for _ in 0..<count { reports.append(try RTCPPacket.ReportBlock(&reader)) }
        return reports
    }
}

/// RFC 3550 section 12.1, RFC 4585 section 6.1.
private enum PacketType {
    static let senderReport: UInt8 = 200
    static let receiverReport: UInt8 = 201
    static let sourceDescription: UInt8 = 202
    static let goodbye: UInt8 = 203
    static let transportFeedback: UInt8 = 205
}

/// The entries of a generic NACK: a packet, and a bit for each of the 16 after it (RFC 4585 section 6.2.1).
private enum Feedback {
    static let genericNACK: UInt8 = 1

    @_lifetime(reader: copy reader)
    static func read(_ reader: inout ByteReader, into missing: inout [UInt16]) throws(ParseError) {
        let first = try reader.readUInt16()
        let following = try reader.readUInt16()
        missing.append(first)
        for bit in 0..<UInt16(16) where following >> bit & 1 != 0 { missing.append(first &+ bit &+ 1) }
    }

    /// The fewest entries that name `missing`, which is in the order of sending.
    static func entries(_ missing: [UInt16]) -> [(first: UInt16, following: UInt16)] {
        var entries: [(first: UInt16, following: UInt16)] = []
        for sequence in missing {
            if let last = entries.last, (1...16).contains(sequence &- last.first) {
                entries[entries.count - 1].following |= 1 << (sequence &- last.first &- 1)
            } else if entries.last?.first != sequence {
                entries.append((sequence, 0))
            }
        }
        return entries
    }
}

// MARK: Fields

extension RTCPPacket.SenderReport {
    @_lifetime(reader: copy reader)
    fileprivate init(_ reader: inout ByteReader, count: Int) throws(ParseError) {
        self.init(
            ssrc: try reader.readUInt32(), ntpTime: NTPTime(bits: try reader.readUInt64()),
            timestamp: MediaTime(ticks: try reader.readUInt32()), packetCount: try reader.readUInt32(),
            octetCount: try reader.readUInt32(), reports: try RTCPCompound.reports(&reader, count: count))
    }
}

extension RTCPPacket.ReportBlock {
    @_lifetime(reader: copy reader)
    fileprivate init(_ reader: inout ByteReader) throws(ParseError) {
        ssrc = try reader.readUInt32()
        let loss = try reader.readUInt32()
        fractionLost = UInt8(truncatingIfNeeded: loss >> 24)
        // 24 bits with their sign.
        cumulativeLost = Int32(bitPattern: loss << 8) >> 8
        highestSequence = try reader.readUInt32()
        jitter = try reader.readUInt32()
        lastSenderReport = try reader.readUInt32()
        delaySinceLastSenderReport = try reader.readUInt32()
    }

    fileprivate func write(into output: inout [UInt8]) {
        output.append(bigEndian: ssrc)
        let lost = max(-0x80_0000, min(0x7F_FFFF, cumulativeLost))
        output.append(bigEndian: UInt32(fractionLost) << 24 | UInt32(bitPattern: lost) & 0xFF_FFFF)
        output.append(bigEndian: highestSequence)
        output.append(bigEndian: jitter)
        output.append(bigEndian: lastSenderReport)
        output.append(bigEndian: delaySinceLastSenderReport)
    }
}

extension RTCPPacket.SourceDescription {
    private static let canonicalNameItem: UInt8 = 1

    /// A chunk: its items end with a zero byte and zeros up to the next word (RFC 3550 section 6.5).
    @_lifetime(reader: copy reader)
    fileprivate init(_ reader: inout ByteReader) throws(ParseError) {
        let start = reader.offset
        self.init(ssrc: try reader.readUInt32(), canonicalName: nil)
        while true {
            let item = try reader.readUInt8()
            if item == 0 { break }
            let text = try reader.readBytes(Int(try reader.readUInt8()))
            if item == Self.canonicalNameItem { canonicalName = String(decoding: text, as: UTF8.self) }
        }
        try reader.skip((4 - (reader.offset - start) % 4) % 4)
    }

    fileprivate func write(into output: inout [UInt8]) {
        let start = output.count
        output.append(bigEndian: ssrc)
        if let canonicalName {
            let text = canonicalName.utf8.prefix(255)
            output.append(Self.canonicalNameItem)
            output.append(UInt8(text.count))
            output.append(contentsOf: text)
        }
        repeat { output.append(0) } while (output.count - start) % 4 != 0
    }
}

extension RTCPPacket {
    /// What the five bits of a header count.
    private static let countLimit = 31

    fileprivate func write(into output: inout [UInt8]) {
        let start = output.count
        output.append(contentsOf: [0x80, 0, 0, 0])
        let (type, count): (UInt8, Int)
        switch self {
        case .senderReport(let report):
            (type, count) = (PacketType.senderReport, min(report.reports.count, Self.countLimit))
            output.append(bigEndian: report.ssrc)
            output.append(bigEndian: report.ntpTime.bits)
            output.append(bigEndian: report.timestamp.ticks)
            output.append(bigEndian: report.packetCount)
            output.append(bigEndian: report.octetCount)
            for block in report.reports.prefix(count) { block.write(into: &output) }
        case .receiverReport(let ssrc, let reports):
            (type, count) = (PacketType.receiverReport, min(reports.count, Self.countLimit))
            output.append(bigEndian: ssrc)
            for block in reports.prefix(count) { block.write(into: &output) }
        case .sourceDescription(let sources):
            (type, count) = (PacketType.sourceDescription, min(sources.count, Self.countLimit))
            for source in sources.prefix(count) { source.write(into: &output) }
        case .goodbye(let ssrcs):
            (type, count) = (PacketType.goodbye, min(ssrcs.count, Self.countLimit))
            for ssrc in ssrcs.prefix(count) { output.append(bigEndian: ssrc) }
        case .negativeAcknowledgement(let sender, let media, let missing):
            (type, count) = (PacketType.transportFeedback, Int(Feedback.genericNACK))
            output.append(bigEndian: sender)
            output.append(bigEndian: media)
            for entry in Feedback.entries(Array(missing.prefix(RTCPCompound.missingLimit))) {
                output.append(bigEndian: entry.first)
                output.append(bigEndian: entry.following)
            }
        }
        let wordCount = UInt16(truncatingIfNeeded: (output.count - start) / 4 - 1)
        output[start] |= UInt8(truncatingIfNeeded: count)
        output[start + 1] = type
        output[start + 2] = UInt8(truncatingIfNeeded: wordCount >> 8)
        output[start + 3] = UInt8(truncatingIfNeeded: wordCount)
    }
}
