internal import Wire

/// The first packet of an Ogg Opus stream (RFC 7845 section 5.1), for mono and stereo.
package struct OpusHead: Hashable, Sendable {
    package var channelCount: Int
    /// Samples at 48 kHz that a player throws away at the beginning.
    package var preSkip: Int
    /// The rate of the sound before encoding; a note, playing does not need it.
    package var inputSampleRate: UInt32
    /// What a player multiplies with, in 1/256 dB.
    package var outputGain: Int16

    package init(channelCount: Int = 1, preSkip: Int, inputSampleRate: UInt32 = 48_000, outputGain: Int16 = 0) {
        self.channelCount = channelCount
        self.preSkip = preSkip
        self.inputSampleRate = inputSampleRate
        self.outputGain = outputGain
    }

    static let magic = Array("OpusHead".utf8)

    init(_ packet: Span<UInt8>) throws(AudioFileError) {
        let version: UInt8
        let family: UInt8
        do throws(ParseError) {
            var reader = ByteReader(packet)
            guard try reader.readBytes(8) == Self.magic else { throw .malformed("its first packet is no OpusHead") }
            version = try reader.readUInt8()
            channelCount = Int(try reader.readUInt8())
            preSkip = Int(try reader.readLittleEndianUInt16())
            inputSampleRate = try reader.readLittleEndianUInt32()
            outputGain = Int16(bitPattern: try reader.readLittleEndianUInt16())
            family = try reader.readUInt8()
        } catch .truncated {
            throw .malformed(.oggOpus, "OpusHead is too short")
        } catch {
            throw AudioFileError(error, in: .oggOpus)
        }
        // The high four bits name versions that are not compatible.
        guard version < 16 else { throw .unsupported(.oggOpus, "version \(version) of the format") }
        // Family 0 is one Opus stream of one or two channels; others hold several streams.
        guard family == 0, (1...2).contains(channelCount) else {
            throw .unsupported(.oggOpus, "\(channelCount) channels of mapping family \(family)")
        }
    }

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.append(1)  // version
        bytes.append(UInt8(clamping: channelCount))
        bytes.append(littleEndian: UInt16(clamping: preSkip))
        bytes.append(littleEndian: inputSampleRate)
        bytes.append(littleEndian: UInt16(bitPattern: outputGain))
        bytes.append(0)  // mapping family
        return bytes
    }
}

/// The second packet (RFC 7845 section 5.2): who encoded it, and `NAME=value` comments.
package struct OpusTags: Hashable, Sendable {
    package var vendor: String
    package var comments: [String]

    package init(vendor: String, comments: [String] = []) {
        self.vendor = vendor
        self.comments = comments
    }

    static let magic = Array("OpusTags".utf8)

    init(_ packet: Span<UInt8>) throws(ParseError) {
        do throws(ParseError) {
            var reader = ByteReader(packet)
            guard try reader.readBytes(8) == Self.magic else { throw .malformed("its second packet is no OpusTags") }
            vendor = String(decoding: try Self.readField(&reader), as: UTF8.self)
            comments = []
            // Each comment takes four bytes at least, so the bytes run out before the count can do harm.
            for _ in 0..<(try reader.readLittleEndianUInt32()) {
                comments.append(String(decoding: try Self.readField(&reader), as: UTF8.self))
            }
        } catch .truncated {
            throw .malformed("OpusTags is too short")
        }
    }

    private static func readField(_ reader: inout ByteReader) throws(ParseError) -> [UInt8] {
        try reader.readBytes(Int(try reader.readLittleEndianUInt32()))
    }

    var bytes: [UInt8] {
        var bytes = Self.magic
        bytes.append(littleEndian: UInt32(clamping: vendor.utf8.count))
        bytes.append(contentsOf: vendor.utf8)
        bytes.append(littleEndian: UInt32(clamping: comments.count))
        for comment in comments {
            bytes.append(littleEndian: UInt32(clamping: comment.utf8.count))
            bytes.append(contentsOf: comment.utf8)
        }
        return bytes
    }
}
