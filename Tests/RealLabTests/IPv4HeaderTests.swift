import Testing
import Wire

@testable import RealLab

@Suite struct IPv4HeaderTests {
    /// 10.64.0.1 to 10.0.0.1, UDP, 4 bytes of payload.
    private static let packet: [UInt8] =
        [0x45, 0, 0, 32, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 64, 0, 1, 10, 0, 0, 1, 0x13, 0x88, 0x11, 0x51, 0, 12, 0, 0, 1, 2, 3, 4]

    @Test func `a header gives addresses and the size of the whole packet`() throws {
        let header = try IPv4Header(Self.packet.span)
        #expect(header.source == 0x0A40_0001)
        #expect(header.destination == 0x0A00_0001)
        #expect(header.byteCount == 32)
    }

    @Test func `every packet that is cut short is refused`() {
        for count in Self.packet.indices {
            let header = try? IPv4Header(Self.packet.span.extracting(0..<count))
            #expect(header == nil)
        }
    }

    @Test func `IPv6, a header of less than 20 bytes and bytes behind the packet are refused`() {
        for (index, value) in [(0, 0x65), (0, 0x44), (3, 31), (3, 19)] as [(Int, UInt8)] {
            var packet = Self.packet
            packet[index] = value
            let header = try? IPv4Header(packet.span)
            #expect(header == nil)
        }
    }

    @Test func `no byte of a packet can be changed so that reading it traps`() {
        for index in Self.packet.indices {
            for value in UInt8.min...UInt8.max {
                var packet = Self.packet
                packet[index] = value
                let header = try? IPv4Header(packet.span)
                #expect(header.map { $0.byteCount == packet.count } ?? true)
            }
        }
    }
}
