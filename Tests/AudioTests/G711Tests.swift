import Audio
import Testing

@Suite struct G711Tests {
    @Test func `known points of both laws`() {
        // ITU-T G.711 tables 1a and 2a: the greatest values, and those about zero.
        #expect(G711.muLaw.decode(0x80) == 32_124)
        #expect(G711.muLaw.decode(0x00) == -32_124)
        #expect(G711.muLaw.decode(0xFF) == 0)
        #expect(G711.aLaw.decode(0xAA) == 32_256)
        #expect(G711.aLaw.decode(0x2A) == -32_256)
        #expect(G711.aLaw.decode(0xD5) == 8)
        #expect(G711.aLaw.decode(0x55) == -8)
    }

    @Test(arguments: [G711.muLaw, .aLaw])
    func `every byte's sample is encoded as that byte`(law: G711) {
        for byte in UInt8.min...UInt8.max {
            let sample = law.decode(byte)
            // µ-law has two zeros.
            #expect(law.decode(law.encode(sample)) == sample)
        }
    }

    @Test(arguments: [G711.muLaw, .aLaw])
    func `no sample is farther from its own than a step of its segment`(law: G711) {
        for sample in stride(from: Int(Int16.min), through: Int(Int16.max), by: 13) {
            let error = abs(Int(law.decode(law.encode(Int16(sample)))) - sample)
            #expect(error <= max(16, abs(sample) / 16 + 16))
        }
    }
}
