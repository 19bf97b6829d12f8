package import Wire

/// One frame of a redundant payload: which it is, and where its bytes lie in the payload that was read.
package struct RedundantBlock: Hashable, Sendable {
    package var payloadType: UInt8
    package var sequence: UInt16
    package var timestamp: MediaTime
    package var range: Range<Int>

    package init(payloadType: UInt8, sequence: UInt16, timestamp: MediaTime, range: Range<Int>) {
        self.payloadType = payloadType
        self.sequence = sequence
        self.timestamp = timestamp
        self.range = range
    }
}

/// The payload of a RED packet: earlier frames, the oldest first, then the packet's own (RFC 2198).
///
/// RED names a block by its time before the packet's timestamp and knows no sequence numbers. Senders put in the frames
/// right before the packet's own, without a gap, so the block that stands *k* places before the last has the packet's number
/// less *k*. Times that contradict this order (not every block earlier than the next) are an error. A larger distance in time
/// does not contradict it: between two frames there may be silence that was not sent.
package enum RedundantPayload {
    /// How far back a block may lie: 14 bits of ticks, 341 ms.
    package static let offsetLimit: UInt32 = 0x3FFF
    /// The longest block: 10 bits.
    package static let blockByteLimit = 0x3FF
    /// The most blocks that are read. libwebrtc reads as many.
    package static let blockLimit = 32

    /// Reads the blocks of a RED packet with this header; the last is the packet's own frame.
    /// - Throws: `.truncated` where lengths do not fit, `.malformed` for an impossible order of times or RED within RED,
    ///   `.overLimit` for too many blocks.
    package static func parse(_ payload: Span<UInt8>, header: RTPHeader) throws(ParseError) -> [RedundantBlock] {
        var reader = ByteReader(payload)
        var blocks: [RedundantBlock] = []
        var offsets: [UInt32] = []
        var lengths: [Int] = []
        while true {
            let first = try reader.readUInt8()
            let payloadType = first & 0x7F
            guard payloadType != header.payloadType else { throw .malformed("a redundant payload within another") }
            blocks.append(RedundantBlock(payloadType: payloadType, sequence: header.sequence, timestamp: header.timestamp, range: 0..<0))
            guard blocks.count <= blockLimit else { throw .overLimit("too many blocks in a redundant payload") }
            // F is clear: the last header, which has neither offset nor length.
            if first & 0x80 == 0 { break }
            let fields = UInt32(truncatingIfNeeded: try reader.readInteger(byteCount: 3))
            let offset = fields >> 10
            guard offset > 0, offset < offsets.last ?? .max else { throw .malformed("redundant blocks that are not in the order of time") }
            offsets.append(offset)
            lengths.append(Int(fields & 0x3FF))
        }
        for (index, length) in lengths.enumerated() {
            let distance = UInt16(truncatingIfNeeded: lengths.count - index)
            blocks[index].sequence = header.sequence &- distance
            blocks[index].timestamp = MediaTime(ticks: header.timestamp.ticks &- offsets[index])
            blocks[index].range = reader.offset..<(reader.offset + length)
            try reader.skip(length)
        }
        blocks[lengths.count].range = reader.offset..<payload.count
        return blocks
    }
}

/// What a sender of RED keeps: the frames before the next one.
package struct RedundancyHistory: Sendable {
    private struct Entry {
        var sequence: UInt16
        var timestamp: MediaTime
        var payload: [UInt8]
    }

    /// The greatest depth; at 20 ms a frame the offset of the eighth is 160 ms, well within RED's 341.
    package static let depthLimit = 8
    private var entries: [Entry] = []

    package init() {}

    /// Appends the RED payload of one frame with up to `depth` frames before it, then remembers the frame.
    ///
    /// A frame that does not fit, by RED's fields or by `maximumByteCount`, is left out together with all before it:
    /// the receiver counts places. So is what came before a gap in the sequence numbers.
    /// - Parameters:
    ///   - payloadType: of the frames within.
    ///   - maximumByteCount: of the whole payload. The frame itself is always written.
    package mutating func write(
        _ payload: [UInt8], sequence: UInt16, timestamp: MediaTime, payloadType: UInt8, depth: Int, maximumByteCount: Int,
        into output: inout [UInt8]
    ) {
        var room = maximumByteCount - 1 - payload.count
        var start = entries.endIndex
        var next = (sequence: sequence, timestamp: timestamp)
        while start > entries.startIndex, entries.endIndex - start < min(depth, Self.depthLimit) {
            let entry = entries[start - 1]
            let byteCount = 4 + entry.payload.count
            let offset = timestamp.ticks &- entry.timestamp.ticks
            guard entry.sequence &+ 1 == next.sequence, offset <= RedundantPayload.offsetLimit,
                Int32(bitPattern: next.timestamp.ticks &- entry.timestamp.ticks) > 0,
                entry.payload.count <= RedundantPayload.blockByteLimit, byteCount <= room
            else { break }
            room -= byteCount
            next = (entry.sequence, entry.timestamp)
            start -= 1
        }
        for entry in entries[start...] {
            let offset = timestamp.ticks &- entry.timestamp.ticks
            output.append(0x80 | payloadType & 0x7F)
            output.append(UInt8(truncatingIfNeeded: offset >> 6))
            output.append(bigEndian: UInt16(truncatingIfNeeded: offset << 10 | UInt32(entry.payload.count)))
        }
        output.append(payloadType & 0x7F)
        for entry in entries[start...] { output.append(contentsOf: entry.payload) }
        output.append(contentsOf: payload)
        remember(payload, sequence: sequence, timestamp: timestamp)
    }

    /// Remembers a frame that was sent without redundancy, so that the next can carry it.
    package mutating func remember(_ payload: [UInt8], sequence: UInt16, timestamp: MediaTime) {
        if entries.count == Self.depthLimit { entries.removeFirst() }
        entries.append(Entry(sequence: sequence, timestamp: timestamp, payload: payload))
    }
}
