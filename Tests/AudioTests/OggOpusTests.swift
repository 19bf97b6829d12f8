import Audio
import Foundation
import Testing
import Wire

/// `count` packets of 20 ms whose bytes tell them apart.
private func packets(_ count: Int, byteCount: Int = 5) -> [[UInt8]] {
    (0..<count).map { index in [0x48] + (1..<byteCount).map { UInt8(truncatingIfNeeded: index &* 7 &+ $0) } }
}

private func file(
    _ packets: [[UInt8]], preSkip: Int = 312, packetsPerPage: Int = 50, playable: Int? = nil,
    tags: OpusTags = OpusTags(vendor: "test"), serial: UInt32 = 7
) throws -> [UInt8] {
    var writer = OggOpusWriter(head: OpusHead(preSkip: preSkip), tags: tags, serial: serial, packetsPerPage: packetsPerPage)
    for packet in packets { try writer.append(packet) }
    return writer.finish(playableSampleCount: playable)
}

private func read(_ file: [UInt8], limits: AudioLimits = AudioLimits()) throws(AudioFileError) -> OggOpus {
    try OggOpus.read(file.span, limits: limits)
}

@Suite struct OggOpusTests {
    /// 62.5 ms of a sine, encoded by opusenc 0.2: 1,000 samples at 16 kHz, four packets on two pages.
    private let fromOpusenc = Array(Data(base64Encoded: """
        T2dnUwACAAAAAAAAAACH1hIAAAAAAB6ZW9kBE09wdXNIZWFkAQE4AYA+AAAAAABPZ2dTAAAAAAAAAAAAAIfWEgABAAAAe2058QGhT3B1c1Rh
        Z3MfAAAAbGlib3B1cyAxLjMuMSwgbGlib3B1c2VuYyAwLjIuMQIAAAAjAAAARU5DT0RFUj1vcHVzZW5jIGZyb20gb3B1cy10b29scyAwLjJH
        AAAARU5DT0RFUl9PUFRJT05TPS0tcGFkZGluZyAwIC0tYml0cmF0ZSA2IC0tbWF4LWRlbGF5IDQwIC0tc2VyaWFsIDEyMzQ1NjdPZ2dTAACA
        BwAAAAAAAIfWEgACAAAAlPHr4gINEwiEJ4LQHP3qSf4BP8AIreVdipguX1rKUI+VtVFGqnmYT2dnUwAE8AwAAAAAAACH1hIAAwAAAFZw5KoC
        FCEIplCQ5F373AbRAhjIQV6NLIiHQAipL2vytr698ZJFAW2zP3vyeu5KKZDZEXUmABmj8qL8VA==
        """, options: .ignoreUnknownCharacters) ?? Data())

    @Test func `a file of opusenc's is read, trimmed at both ends`() throws {
        let ogg = try read(fromOpusenc)
        #expect(ogg.head == OpusHead(preSkip: 312, inputSampleRate: 16_000))
        #expect(ogg.tags.vendor == "libopus 1.3.1, libopusenc 0.2.1")
        #expect(ogg.tags.comments.first == "ENCODER=opusenc from opus-tools 0.2")
        #expect(ogg.packets.count == 4)
        #expect(try ogg.packets.map { try OpusPacketHeader($0.span).sampleCount } == [960, 960, 960, 960])
        #expect(ogg.playableSampleCount == 3_000)
    }

    @Test func `our writer makes the same bytes as opusenc of the same packets`() throws {
        let ogg = try read(fromOpusenc)
        var writer = OggOpusWriter(head: ogg.head, tags: ogg.tags, serial: 1_234_567, packetsPerPage: 2)
        for packet in ogg.packets { try writer.append(packet) }
        #expect(writer.finish(playableSampleCount: 3_000) == fromOpusenc)
    }

    @Test(arguments: [1, 2, 50, 51, 600], [1, 3, 50, 1_000])
    func `what is written is read back, however the pages fall`(count: Int, packetsPerPage: Int) throws {
        let written = packets(count)
        let ogg = try read(try file(written, packetsPerPage: packetsPerPage))
        #expect(ogg.packets == written)
        #expect(ogg.playableSampleCount == count * 960 - 312)
    }

    /// 254 and 255 bytes are the edge of one segment; 1,276 the largest frame; the tags here go over 64 KB, one page's most.
    @Test(arguments: [1, 2, 254, 255, 256, 510, 1_276])
    func `packets and tags of every size go over as many segments and pages as they need`(byteCount: Int) throws {
        let written = packets(60, byteCount: byteCount)
        let tags = OpusTags(vendor: "v", comments: ["TITLE=" + String(repeating: "x", count: byteCount * 255)])
        let ogg = try read(try file(written, tags: tags))
        #expect(ogg.packets == written)
        #expect(ogg.tags == tags)
    }

    @Test func `the end is trimmed to what was asked, on one page as on many`() throws {
        for packetsPerPage in [1, 50] {
            let ogg = try read(try file(packets(10), packetsPerPage: packetsPerPage, playable: 9_000))
            #expect(ogg.playableSampleCount == 9_000)
        }
        #expect(try read(try file(packets(10), playable: 90_000)).playableSampleCount == 9_600 - 312)
        #expect(throws: AudioFileError.empty(.oggOpus)) { try read(try file(packets(10), playable: 0)) }
        #expect(throws: AudioFileError.empty(.oggOpus)) { try read(try file([])) }
    }

    @Test func `a recording that begins above time 0 keeps its length`() throws {
        var pages = try self.pages(of: try file(packets(10), packetsPerPage: 5))
        for index in 2..<pages.count { pages[index].granule += 48_000 }
        #expect(try read(join(pages)).playableSampleCount == 9_600 - 312)
        // On a page that is not the last, fewer samples than it holds would be a time below 0.
        pages[2].granule = 4_799
        #expect(throws: AudioFileError.malformed(.oggOpus, "it begins before time 0")) { try read(join(pages)) }
    }

    @Test func `another stream beside the first is passed over, another after it is refused`() throws {
        let first = try pages(of: try file(packets(3)))
        let second = try pages(of: try file(packets(5), serial: 8))
        let woven = [first[0], second[0], second[1], first[1], second[2], first[2]]
        #expect(try read(join(woven)).packets.count == 3)
        #expect(throws: AudioFileError.unsupported(.oggOpus, "several recordings in a row")) {
            try read(join(first + second))
        }
        #expect(try read(join(first) + Array("TAG".utf8)).packets.count == 3)
        var vorbis = OggPage(serial: 1, sequence: 0)
        vorbis.isFirst = true
        vorbis.lacing = [7]
        vorbis.body = Array("\u{1}vorbis".utf8)
        var next = OggPage(serial: 1, sequence: 1)
        next.isLast = true
        #expect(throws: AudioFileError.unsupported(.oggOpus, "a codec that is not Opus")) {
            try read(join([vorbis, next]))
        }
    }

    @Test func `pages that break the rules are refused by name`() throws {
        let good = try pages(of: try file(packets(6, byteCount: 300), packetsPerPage: 2))
        func refuses(_ reason: StaticReason, _ change: (inout [OggPage]) -> Void) {
            var pages = good
            change(&pages)
            #expect(throws: AudioFileError.malformed(.oggOpus, reason)) { try read(join(pages)) }
        }
        refuses("a page is missing") { $0.remove(at: 3) }
        refuses("a page is missing") { $0.swapAt(2, 3) }
        refuses("a packet is torn between pages") { $0[3].isContinued = true }
        refuses("a packet is torn between pages") {
            $0[2].lacing = [255]
            $0[2].body = [UInt8](repeating: 0x48, count: 255)
        }
        refuses("its time runs backwards") { $0[3].granule = 5 }
        refuses("a page does not say its time") { $0[3].granule = OggPage.noGranule }
        refuses("a header does not end its page") {
            $0[1].lacing.append(2)
            $0[1].body += [0x48, 0]
        }
        refuses("an Opus packet is too short for its frames") {
            $0[2].lacing[0] = 0
            $0[2].body.removeFirst(255)
        }
        refuses("its second packet is no OpusTags") { $0[1].body[4] = 0 }
        refuses("OpusTags is too short") { $0[1].body[8] = 200 }
        refuses("OpusHead is too short") {
            $0[0].lacing = [18]
            $0[0].body.removeLast()
        }
    }

    @Test func `headers of other mappings and versions are named`() throws {
        let good = try pages(of: try file(packets(1)))
        for (index, byte, kind) in [
            (8, 16, "version 16 of the format"), (9, 0, "0 channels of mapping family 0"),
            (9, 3, "3 channels of mapping family 0"), (18, 1, "1 channels of mapping family 1"),
        ] as [(Int, UInt8, String)] {
            var pages = good
            pages[0].body[index] = byte
            #expect(throws: AudioFileError.unsupported(.oggOpus, kind)) { try read(join(pages)) }
        }
    }

    @Test func `limits hold for bytes, length and packets`() throws {
        var limits = AudioLimits()
        limits.durationSeconds = 1
        #expect(throws: AudioFileError.overLimit(.oggOpus, "too long")) {
            try read(try file(packets(51)), limits: limits)
        }
        limits = AudioLimits()
        limits.oggPacketByteCount = 1_000
        let tags = OpusTags(vendor: String(repeating: "x", count: 2_000))
        #expect(throws: AudioFileError.overLimit(.oggOpus, "a packet is too long")) {
            try read(try file(packets(1), tags: tags), limits: limits)
        }
        limits.fileByteCount = 10
        #expect(throws: AudioFileError.overLimit(.oggOpus, "too many bytes")) {
            try read(try file(packets(1)), limits: limits)
        }
    }

    @Test func `what is no Opus packet is not written`() throws {
        var writer = OggOpusWriter(head: OpusHead(preSkip: 0), tags: OpusTags(vendor: "test"), serial: 1)
        #expect(throws: AudioFileError.malformed(.oggOpus, "an Opus packet is too short for its frames")) { try writer.append([]) }
        try writer.append([0x48, 1])
        #expect(try read(writer.finish()).packets == [[0x48, 1]])
    }

    @Test func `every shorter file is refused`() throws {
        let whole = try file(packets(6, byteCount: 300), packetsPerPage: 2)
        for length in 0..<whole.count {
            #expect(throws: AudioFileError.truncated(.oggOpus), "\(length) bytes") {
                try read(Array(whole.prefix(length)))
            }
        }
    }

    @Test func `every changed byte is noticed`() throws {
        for index in fromOpusenc.indices {
            for copy in mangled(fromOpusenc, at: index) {
                #expect(throws: AudioFileError.self, "byte \(index)") { try read(copy) }
            }
        }
    }

    @Test func `a changed byte under a right checksum never traps`() throws {
        let good = try pages(of: try file(packets(6, byteCount: 30), packetsPerPage: 2))
        var refused = 0
        for page in good.indices {
            for index in good[page].body.indices {
                for body in mangled(good[page].body, at: index) {
                    var pages = good
                    pages[page].body = body
                    do { _ = try read(join(pages)) } catch { refused += 1 }
                }
            }
        }
        #expect(refused > 50)
    }

    /// The known answer is CRC-32/CKSUM of the nine digits before its length and inversion: Ogg's is the same division.
    @Test func `the checksum is Ogg's CRC-32`() {
        var check = OggChecksum()
        check.add(Array("123456789".utf8).span)
        #expect(check.value == 0x89A1_897F)
    }

    @Test func `the first bytes tell the container`() throws {
        #expect(AudioContainer(firstBytesOf: fromOpusenc.span) == .oggOpus)
        #expect(AudioContainer(firstBytesOf: wav(data: []).span) == .wav)
        #expect(AudioContainer(firstBytesOf: text("RIF").span) == nil)
        #expect(AudioContainer(firstBytesOf: text("fLaC").span) == nil)
    }

    private func pages(of file: [UInt8]) throws -> [OggPage] {
        var reader = ByteReader(file.span)
        var pages: [OggPage] = []
        while !reader.isAtEnd { pages.append(try OggPage(&reader)) }
        return pages
    }

    private func join(_ pages: [OggPage]) -> [UInt8] {
        var output: [UInt8] = []
        for page in pages { page.write(to: &output) }
        return output
    }
}
