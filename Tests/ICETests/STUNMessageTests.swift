import ICE
import Testing
import Wire

/// Bytes from hexadecimal digits and any spaces.
private func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

@Suite struct STUNMessageTests {
    /// RFC 5769 sections 2.1 to 2.3; all have this password.
    private let password = "VOkJxbRl1RmTxUk/WvJxBt"
    private let request = bytes(
        """
        000100582112a442b7e7a701bc34d686fa87dfae
        802200105354554e207465737420636c69656e74 002400046e0001ff 80290008932ff9b151263b36
        000600096576746a3a68367659202020
        000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004e57a3bcf
        """)
    private let responseIPv4 = bytes(
        """
        0101003c2112a442b7e7a701bc34d686fa87dfae 8022000b7465737420766563746f7220
        002000080001a147e112a643 000800142b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004c07d4c96
        """)
    private let responseIPv6 = bytes(
        """
        010100482112a442b7e7a701bc34d686fa87dfae 8022000b7465737420766563746f7220
        002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9
        00080014a382954e4be67bf11784c97c8292c275bfe3ed41 80280004c8fb0b4c
        """)

    @Test func `RFC 5769's request parses and its integrity holds`() throws {
        let message = try STUNMessage(parsing: request.span)
        #expect(message.kind == .request)
        #expect(message.method == STUN.binding)
        #expect(message.attributes.username == "evtj:h6vY")
        #expect(message.receiverUfrag == "evtj")
        #expect(message.attributes.priority == 0x6E00_01FF)
        #expect(message.attributes.role == .controlled(tieBreaker: 0x932F_F9B1_5126_3B36))
        #expect(message.hasFingerprint)
        #expect(Checks.isAuthentic(request, password))
        #expect(!Checks.isAuthentic(request, password + "x"))
        #expect(!Checks.isAuthentic(request, ""))
    }

    @Test func `RFC 5769's responses give the mapped addresses`() throws {
        let ipv4 = try STUNMessage(parsing: responseIPv4.span)
        #expect(ipv4.kind == .success)
        #expect(ipv4.attributes.mappedAddress == PeerAddress(ipv4: 192, 0, 2, 1, port: 32_853))
        #expect(Checks.isAuthentic(responseIPv4, password))
        let ipv6 = try STUNMessage(parsing: responseIPv6.span)
        #expect(
            ipv6.attributes.mappedAddress
                == PeerAddress(high: 0x2001_0DB8_1234_5678, low: 0x0011_2233_4455_6677, port: 32_853))
        #expect(Checks.isAuthentic(responseIPv6, password))
    }

    @Test func `what is written parses to the same`() throws {
        var message = STUNMessage(kind: .error, transactionID: Checks.id(0x0102_0304_0506_0708))
        message.attributes.username = "a:b"
        message.attributes.mappedAddress = PeerAddress(high: 1, low: 2, port: 3)
        message.attributes.priority = 4
        message.attributes.role = .controlling(tieBreaker: .max)
        message.attributes.usesCandidate = true
        message.attributes.errorCode = .unknownAttribute
        message.attributes.unknownAttributes = [0x7FFF, 0x0030, 2]
        let written = message.bytes(password: "secret")
        let read = try Checks.message(written)
        #expect(read.kind == message.kind)
        #expect(read.transactionID == message.transactionID)
        #expect(read.attributes == message.attributes)
        #expect(Checks.isAuthentic(written, "secret"))
        #expect(read.bytes(password: "secret") == written)
    }

    @Test(arguments: [STUNMessage.Class.request, .indication, .success, .error], [0, 1, 0x0F, 0x10, 0x7F, 0x80, 0xFFF] as [UInt16])
    func `class and method survive the round trip`(kind: STUNMessage.Class, method: UInt16) throws {
        let written = STUNMessage(kind: kind, method: method, transactionID: Checks.id(1)).bytes(password: nil)
        let read = try Checks.message(written)
        #expect(read.kind == kind)
        #expect(read.method == method)
    }

    @Test func `no shorter message parses`() {
        for length in 0..<request.count {
            let prefix = Array(request.prefix(length))
            #expect(throws: ParseError.truncated, "\(length) bytes") { try STUNMessage(parsing: prefix.span) }
        }
    }

    @Test func `bytes after the message are refused`() {
        let longer = request + [0, 0, 0, 0]
        #expect(throws: ParseError.malformed("bytes follow the STUN message")) { try STUNMessage(parsing: longer.span) }
    }

    @Test func `a change of any byte breaks the fingerprint or the form`() {
        for index in request.indices {
            for bit in 0..<8 {
                var changed = request
                changed[index] ^= 1 << UInt8(bit)
                let read = try? STUNMessage(parsing: changed.span)
                // Where the attribute's own type changed, the message is one without FINGERPRINT, and no agent takes it.
                #expect(read?.hasFingerprint != true, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func `a change of any byte that integrity covers breaks it`() throws {
        // With a fingerprint made anew, as an attacker can.
        let end = try #require(try STUNMessage(parsing: request.span).integrityOffset) + 24
        for index in 0..<end {
            var changed = request
            changed[index] ^= 0x01
            changed.replaceSubrange(end..., with: [])
            changed[3] = UInt8(end - 20)
            #expect(!Checks.isAuthentic(changed, password) || index == 2 || index == 3, "byte \(index)")
        }
    }

    @Test func `attributes after the integrity do not count`() throws {
        var message = STUNMessage(kind: .request, transactionID: Checks.id(1))
        message.attributes.username = "a:b"
        var forged = message.bytes(password: "secret")
        // USE-CANDIDATE in the place of FINGERPRINT.
        forged.removeLast(8)
        forged += [0x00, 0x25, 0x00, 0x00]
        forged[3] = UInt8(forged.count - 20)
        let read = try Checks.message(forged)
        #expect(!read.attributes.usesCandidate)
        #expect(!read.hasFingerprint)
        #expect(Checks.isAuthentic(forged, "secret"))
    }

    @Test func `of a repeated attribute the first counts`() throws {
        let header: [UInt8] = [0x00, 0x01, 0x00, 0x10, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 9, count: 12)
        let priorities: [UInt8] = [0x00, 0x24, 0x00, 0x04, 0, 0, 0, 1, 0x00, 0x24, 0x00, 0x04, 0, 0, 0, 2]
        let read = try Checks.message(header + priorities)
        #expect(read.attributes.priority == 1)
    }

    @Test func `attributes that must be understood and are not are named`() throws {
        let header: [UInt8] = [0x00, 0x01, 0x00, 0x0C, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 9, count: 12)
        let read = try Checks.message(header + [0x7F, 0xFE, 0, 1, 5, 0, 0, 0] + [0xC0, 0x57, 0, 0])
        #expect(read.attributes.notUnderstood == [0x7FFE])
    }

    @Test(arguments: 0...64)
    func `garbage of every short length is refused`(length: Int) {
        for fill in [0x00, 0x01, 0x21, 0xFF] as [UInt8] {
            let garbage = [UInt8](repeating: fill, count: length)
            #expect((try? STUNMessage(parsing: garbage.span)) == nil)
        }
    }

    @Test func `more attributes than any check has are refused`() {
        var flood: [UInt8] = []
        for type in 0..<33 as Range<UInt16> { flood += [0x81, UInt8(type), 0, 0] }
        let header: [UInt8] = [0x00, 0x01, 0x00, UInt8(flood.count), 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 9, count: 12)
        #expect(throws: ParseError.overLimit("the attributes of a STUN message")) {
            try STUNMessage(parsing: (header + flood).span)
        }
    }
}
