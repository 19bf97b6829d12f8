import CVirtualClock
import SCTP
import SCTPLease
import Testing
import Wire

/// Whether what a program links reaches the functions that the virtual clock defines, from inside usrsctp.
@Suite(.ownsSCTP) struct InterpositionTests {
    private func firstPacket() -> [UInt8]? {
        let association = SCTPAssociation(isClient: true)
        association.start(now: .zero)
        return association.pollTransmit()
    }

    @Test func `usrsctp draws its tags from the seeded stream, and from the kernel without one`() {
        defer { parallax_virtual_clock_clear() }
        parallax_virtual_clock_set(0)
        parallax_virtual_clock_seed(1)
        let first = firstPacket()
        #expect(first != nil)
        parallax_virtual_clock_seed(1)
        #expect(firstPacket() == first)
        parallax_virtual_clock_seed(2)
        #expect(firstPacket() != first)
        parallax_virtual_clock_clear()
        #expect(firstPacket() != firstPacket())
    }
}
