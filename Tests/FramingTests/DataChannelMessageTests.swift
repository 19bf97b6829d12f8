import Framing
import Testing
import Wire

@Suite struct DataChannelMessageTests {
    /// What Chromium sends for `createDataChannel("oai-events")`.
    private let eventsOpen: [UInt8] =
        [0x03, 0x00, 0x01, 0x00, 0, 0, 0, 0, 0, 10, 0, 0] + Array("oai-events".utf8)

    private func parse(_ bytes: [UInt8]) -> Result<DataChannelMessage, ParseError> {
        do throws(ParseError) {
            return .success(try DataChannelMessage(parsing: bytes.span))
        } catch {
            return .failure(error)
        }
    }

    @Test func `an open has the RFC's layout`() {
        let open = DataChannelOpen(label: "oai-events")
        #expect(DataChannelMessage.open(open).bytes == eventsOpen)
        #expect(parse(eventsOpen) == .success(.open(open)))
        let media = DataChannelOpen(
            channelType: .maxLifetimeUnordered, priority: 512, reliability: 200, label: "é", protocol: "x")
        let bytes: [UInt8] = [3, 0x82, 2, 0, 0, 0, 0, 200, 0, 2, 0, 1, 0xC3, 0xA9, 0x78]
        #expect(DataChannelMessage.open(media).bytes == bytes)
        #expect(parse(bytes) == .success(.open(media)))
    }

    @Test func `an ack is one byte`() {
        #expect(DataChannelMessage.ack.bytes == [2])
        #expect(parse([2]) == .success(.ack))
    }

    @Test(arguments: DataChannelType.allCases)
    func `every type survives the round trip, and only limited ones keep a limit`(type: DataChannelType) {
        let open = DataChannelOpen(channelType: type, reliability: 7, label: "a", protocol: "b")
        guard case .success(.open(let read)) = parse(DataChannelMessage.open(open).bytes) else {
            Issue.record("not an open")
            return
        }
        #expect(read.channelType == type)
        #expect(read.reliability == (type.isReliable ? 0 : 7))
        #expect(type.isOrdered == (type.rawValue < 0x80))
    }

    @Test func `a limit on a reliable channel is ignored`() {
        var bytes = eventsOpen
        bytes[7] = 9
        #expect(parse(bytes) == .success(.open(DataChannelOpen(label: "oai-events"))))
    }

    @Test func `every shorter message is truncated, and a longer one is malformed`() {
        for count in 0..<eventsOpen.count { #expect(parse(Array(eventsOpen.prefix(count))) == .failure(.truncated)) }
        #expect(parse(eventsOpen + [0]) == .failure(.malformed("bytes after a data channel message")))
        #expect(parse([2, 0]) == .failure(.malformed("bytes after a data channel message")))
    }

    @Test func `unknown messages and types, and names that are no text, are refused`() {
        #expect(parse([0x01]) == .failure(.malformed("a data channel message of unknown type")))
        var bytes = eventsOpen
        bytes[1] = 0x03
        #expect(parse(bytes) == .failure(.malformed("a data channel of unknown type")))
        bytes = eventsOpen
        bytes[14] = 0xFF
        #expect(parse(bytes) == .failure(.malformed("a data channel's name is not UTF-8")))
    }

    @Test func `whatever a mutated message is read as survives the round trip`() {
        for bytes in mutations(of: eventsOpen) {
            guard case .success(let message) = parse(bytes) else { continue }
            #expect(parse(message.bytes) == .success(message))
        }
    }

    @Test func `a label may be as long as its length can say`() {
        let open = DataChannelOpen(label: String(repeating: "l", count: 65_535))
        #expect(parse(DataChannelMessage.open(open).bytes) == .success(.open(open)))
    }

    @Test func `nothing has identifiers of its own and one byte on the wire`() {
        #expect(DataChannelPayload.string([]).protocolID == 56)
        #expect(DataChannelPayload.binary([]).protocolID == 57)
        #expect(DataChannelPayload.string([]).wireBytes.count == 1)
        for payload: DataChannelPayload in [.string([]), .binary([]), .string([1]), .binary([1, 2])] {
            #expect(DataChannelPayload(protocolID: payload.protocolID, bytes: payload.wireBytes) == payload)
        }
        #expect(DataChannelPayload(protocolID: DataChannelPPID.control, bytes: [2]) == nil)
    }
}
