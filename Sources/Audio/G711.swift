/// The companded samples of telephony (ITU-T G.711): 8 bits stand for 14 (µ-law) or 13 (A-law).
package enum G711: Hashable, Sendable {
    case muLaw, aLaw

    /// The sample that one byte stands for, in 16 bits.
    package func decode(_ byte: UInt8) -> Int16 {
        switch self {
        case .muLaw:
            let bits = ~byte
            let magnitude = ((Int32(bits & 0x0F) << 3) + 0x84) << Int32(bits >> 4 & 7) - 0x84
            return Int16(truncatingIfNeeded: bits & 0x80 != 0 ? -magnitude : magnitude)
        case .aLaw:
            let bits = byte ^ 0x55
            let segment = Int32(bits >> 4 & 7)
            let mantissa = Int32(bits & 0x0F) << 4 + 8
            let magnitude = segment == 0 ? mantissa : (mantissa + 0x100) << (segment - 1)
            return Int16(truncatingIfNeeded: bits & 0x80 != 0 ? magnitude : -magnitude)
        }
    }

    /// The byte that stands nearest to a sample.
    package func encode(_ sample: Int16) -> UInt8 {
        switch self {
        case .muLaw:
            // The bias makes the segments' borders powers of two; what lies over the last one is clipped.
            let magnitude = min(Int32(sample.magnitude), 32_635) + 0x84
            let segment = Self.segment(magnitude >> 7)
            let bits = UInt8(segment << 4) | UInt8(truncatingIfNeeded: magnitude >> (Int32(segment) + 3) & 0x0F)
            return ~(bits | (sample < 0 ? 0x80 : 0))
        case .aLaw:
            let magnitude = min(Int32(sample.magnitude), 32_767)
            let segment = Self.segment(magnitude >> 7)
            let mantissa = UInt8(truncatingIfNeeded: magnitude >> (segment == 0 ? 4 : Int32(segment) + 3) & 0x0F)
            return (UInt8(segment << 4) | mantissa | (sample < 0 ? 0 : 0x80)) ^ 0x55
        }
    }

    /// The place of the highest bit of a number below 256, counted from 0; 0 for 0.
    private static func segment(_ value: Int32) -> Int { value <= 1 ? 0 : 31 - value.leadingZeroBitCount }
}
