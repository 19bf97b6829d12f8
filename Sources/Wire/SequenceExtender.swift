/// Extends 16-bit RTP sequence numbers to 64 bits (RFC 3711 appendix A has the same estimate for its index).
///
/// The first number seen is placed in cycle 1, so that a packet that was sent shortly before it
/// still has a place below it.
public struct SequenceExtender: Sendable {
    private var highest: UInt64?

    public init() {}

    /// The 64-bit number nearest to the highest one seen that ends in `sequence`.
    public mutating func extend(_ sequence: UInt16) -> UInt64 {
        guard let highest else {
            let first = 1 << 16 | UInt64(sequence)
            self.highest = first
            return first
        }
        let step = Int16(bitPattern: sequence &- UInt16(truncatingIfNeeded: highest))
        let extended = highest.addingReportingOverflow(UInt64(bitPattern: Int64(step))).partialValue
        // Below cycle 0 there is nothing: take the number one cycle up.
        if step < 0 && extended > highest { return UInt64(sequence) }
        if step > 0 { self.highest = extended }
        return extended
    }
}
