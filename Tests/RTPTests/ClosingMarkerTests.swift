import RTP
import Testing
import Wire

/// The form of closing markers, and what is no such form.
@Suite struct ClosingMarkerTests {
    private static let copies = ClosingMarker(
        last: 0xFFFE,
        content: .copies(
            frames: [
                .init(sequence: 0xFFFD, timestamp: MediaTime(ticks: 0xDEAD_BEEF), marker: true, payload: [1, 2, 3]),
                .init(sequence: 0xFFFE, timestamp: MediaTime(ticks: 960), marker: false, payload: Array(repeating: 7, count: 100)),
            ],
            events: [.init(index: 4, bytes: Array("{}".utf8)), .init(index: 5, bytes: [])]))

    private static func bytes(_ marker: ClosingMarker) -> [UInt8] {
        var bytes: [UInt8] = []
        marker.write(into: &bytes)
        return bytes
    }

    private static func read(_ bytes: [UInt8]) throws(ParseError) -> ClosingMarker { try ClosingMarker(parsing: bytes.span) }

    @Test func `a marker is read as it was written`() throws {
        for marker in [Self.copies, ClosingMarker(last: 3, content: .copies(frames: [], events: [])), ClosingMarker(last: 9, content: .received(events: 65_535))] {
            #expect(try Self.read(Self.bytes(marker)) == marker)
        }
    }

    @Test func `the vector of a marker with one frame and one event`() throws {
        let marker = ClosingMarker(
            last: 0x0102,
            content: .copies(
                frames: [.init(sequence: 0x0102, timestamp: MediaTime(ticks: 0x0000_03C0), marker: false, payload: [0xF8, 0xFF])],
                events: [.init(index: 1, bytes: [0x7B, 0x7D])]))
        #expect(Self.bytes(marker) == [0, 1, 2, 0, 1, 2, 0, 0, 3, 0xC0, 2, 0xF8, 0xFF, 2, 0, 1, 2, 0x7B, 0x7D])
    }

    @Test func `a copy takes as many bytes as it says`() {
        guard case .copies(let frames, let events) = Self.copies.content else { return }
        let sum = frames.reduce(0) { $0 + $1.byteCount } + events.reduce(0) { $0 + $1.byteCount }
        #expect(Self.bytes(Self.copies).count == ClosingMarker.headByteCount + sum)
    }

    @Test func `a prefix is an error, or ends between two copies`() {
        let bytes = Self.bytes(Self.copies)
        for count in bytes.indices {
            guard let read = try? Self.read(Array(bytes.prefix(count))) else { continue }
            #expect(Self.bytes(read) == Array(bytes.prefix(count)))
        }
        #expect(throws: ParseError.truncated) { try Self.read([]) }
        #expect(throws: ParseError.truncated) { try Self.read([1, 0, 5, 0]) }
    }

    @Test func `every mangled byte gives a marker that is written alike, or an error`() {
        let bytes = Self.bytes(Self.copies)
        for index in bytes.indices {
            for bit in 0..<8 {
                var mangled = bytes
                mangled[index] ^= 1 << UInt8(bit)
                guard let read = try? Self.read(mangled) else { continue }
                #expect((try? Self.read(Self.bytes(read))) == read)
            }
        }
    }

    @Test func `kinds that nobody knows and too many copies are errors`() {
        #expect(throws: ParseError.malformed("a closing marker of no known kind")) { try Self.read([2, 0, 0]) }
        #expect(throws: ParseError.malformed("a copy of no known kind in a closing marker")) { try Self.read([0, 0, 0, 3]) }
        let empty: [UInt8] = [2, 0, 0, 0]
        let most = [0, 0, 0] + Array(repeating: empty, count: ClosingMarker.copyLimit).flatMap(\.self)
        #expect((try? Self.read(most)) != nil)
        #expect(throws: ParseError.overLimit("too many copies in a closing marker")) { try Self.read((most + empty)) }
        // A length beyond all memory.
        #expect(throws: ParseError.truncated) { try Self.read(([0, 0, 0, 2, 0, 0] + Array(repeating: UInt8(0xFF), count: 8))) }
    }
}
