internal import Wire

/// Which sequence numbers have left: none may leave again with other bytes, since under AES-GCM two packets of one number
/// give the authentication key away (RFC 7714 section 8.4, and SRTP lets repeats through for the sake of resends).
struct SentNumbers {
    /// As far back as SRTP itself takes a number (`SRTPLimits.replayWindow`).
    private static let window: UInt64 = 1_024

    private var extender = SequenceExtender()
    private var highest: UInt64?
    private var sent = [Bool](repeating: false, count: Int(window))

    /// Takes a number for a new packet; `false` where it has left before, or is too old to tell.
    mutating func take(_ sequence: UInt16) -> Bool {
        let number = extender.extend(sequence)
        if let highest {
            if number > highest {
                for passed in 1...min(number - highest, Self.window) { sent[Int((highest + passed) % Self.window)] = false }
            } else if highest - number >= Self.window || sent[Int(number % Self.window)] {
                return false
            }
        }
        highest = max(highest ?? number, number)
        sent[Int(number % Self.window)] = true
        return true
    }
}
