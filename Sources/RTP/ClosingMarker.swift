package import Wire

/// What a sender in mode `repair` says when its talk is over: where it ended, with copies of what nobody has acknowledged
/// (docs/wire.md).
///
/// Loss shows by what comes behind it, and behind the end of a talk nothing comes. So markers follow it until all
/// is acknowledged. They travel as RTP packets of a payload type of their own, once each.
///
/// ```
///  0                   1                   2                   3
///  | kind (0 or 1) |  the talk's last frame (16)   |  then, for kind 0, copies up to the end:
///  | 0, or 1 with the marker bit | number (16) | timestamp (32) | length (varint) | payload    a frame
///  | 2                           | index (16)                   | length (varint) | JSON       an event
///  and for kind 1:  | how many events are there (16) |
/// ```
package struct ClosingMarker: Hashable, Sendable {
    /// A frame once more.
    package struct FrameCopy: Hashable, Sendable {
        package var sequence: UInt16
        package var timestamp: MediaTime
        package var marker: Bool
        package var payload: [UInt8]

        package init(sequence: UInt16, timestamp: MediaTime, marker: Bool, payload: [UInt8]) {
            self.sequence = sequence
            self.timestamp = timestamp
            self.marker = marker
            self.payload = payload
        }

        /// How many bytes it takes in a marker.
        package var byteCount: Int { 1 + 2 + 4 + VarInt.length(of: UInt64(payload.count)) + payload.count }
    }

    /// An event once more, with its place among the events of its sender, from 0 and modulo 65,536.
    package struct EventCopy: Hashable, Sendable {
        package var index: UInt16
        package var bytes: [UInt8]

        package init(index: UInt16, bytes: [UInt8]) {
            self.index = index
            self.bytes = bytes
        }

        package var byteCount: Int { 1 + 2 + VarInt.length(of: UInt64(bytes.count)) + bytes.count }
    }

    package enum Content: Hashable, Sendable {
        case copies(frames: [FrameCopy], events: [EventCopy])
        /// The answer to a marker, where the transport itself acknowledges nothing: every frame up to the last one is
        /// there, and so many events, modulo 65,536.
        case received(events: UInt16)
    }

    /// The number of the talk's last frame.
    package var last: UInt16
    package var content: Content

    /// What a marker takes without its copies.
    package static let headByteCount = 3
    /// The most copies that are read from one marker.
    package static let copyLimit = 64

    package init(last: UInt16, content: Content) {
        self.last = last
        self.content = content
    }
}

extension ClosingMarker {
    private enum Tag {
        static let frame: UInt8 = 0
        static let markedFrame: UInt8 = 1
        static let event: UInt8 = 2
    }

    /// Reads the payload of a marker's packet.
    /// - Throws: `.truncated` where a length does not fit, `.malformed` for what no version has, `.overLimit` for too many copies.
    package init(parsing payload: Span<UInt8>) throws(ParseError) {
        var reader = ByteReader(payload)
        let kind = try reader.readUInt8()
        last = try reader.readUInt16()
        switch kind {
        case 0: content = try Self.readCopies(&reader)
        case 1: content = .received(events: try reader.readUInt16())
        default: throw .malformed("a closing marker of no known kind")
        }
    }

    @_lifetime(reader: copy reader)
    private static func readCopies(_ reader: inout ByteReader) throws(ParseError) -> Content {
        var frames: [FrameCopy] = []
        var events: [EventCopy] = []
        while !reader.isAtEnd {
            guard frames.count + events.count < copyLimit else { throw .overLimit("too many copies in a closing marker") }
            let tag = try reader.readUInt8()
            switch tag {
            case Tag.frame, Tag.markedFrame:
                let sequence = try reader.readUInt16()
                let timestamp = MediaTime(ticks: try reader.readUInt32())
                let payload = try reader.readBytes(Int(clamping: try reader.readVarInt()))
                frames.append(FrameCopy(sequence: sequence, timestamp: timestamp, marker: tag == Tag.markedFrame, payload: payload))
            case Tag.event:
                let index = try reader.readUInt16()
                events.append(EventCopy(index: index, bytes: try reader.readBytes(Int(clamping: try reader.readVarInt()))))
            default: throw .malformed("a copy of no known kind in a closing marker")
            }
        }
        return .copies(frames: frames, events: events)
    }

    /// Appends the payload of a marker's packet.
    package func write(into output: inout [UInt8]) {
        switch content {
        case .copies(let frames, let events):
            output.append(0)
            output.append(bigEndian: last)
            for frame in frames {
                output.append(frame.marker ? Tag.markedFrame : Tag.frame)
                output.append(bigEndian: frame.sequence)
                output.append(bigEndian: frame.timestamp.ticks)
                output.append(varInt: UInt64(frame.payload.count))
                output.append(contentsOf: frame.payload)
            }
            for event in events {
                output.append(Tag.event)
                output.append(bigEndian: event.index)
                output.append(varInt: UInt64(event.bytes.count))
                output.append(contentsOf: event.bytes)
            }
        case .received(let events):
            output.append(1)
            output.append(bigEndian: last)
            output.append(bigEndian: events)
        }
    }
}
