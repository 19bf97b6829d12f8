/// When a link delivers, as mahimahi records it: one stamp for each opportunity to deliver 1 500 bytes, in milliseconds
/// from the beginning, never falling. At the last stamp the trace begins again.
package struct DeliveryTrace: Hashable, Sendable {
    /// Never falling; the last is over 0, since it is the trace's length.
    package let stamps: [UInt32]
    /// How many bytes wait before the link; a packet that is under way counts no longer.
    package var queueByteCount: Int
    /// Where in the trace a trial begins.
    package var start = Start.beginning

    package enum Start: String, Hashable, Sendable {
        /// At its first millisecond, as mahimahi does it: then all trials meet the same network.
        case beginning
        /// Anywhere; the seed decides.
        case anywhere
    }

    /// What one opportunity carries, with the headers of IP.
    package static let opportunityByteCount = 1500

    /// Reads a trace file: a line a stamp.
    /// - Throws: the line that is none, and what was expected there.
    package init(_ text: Span<UInt8>, queueByteCount: Int = DeliveryTraceLimits.usualQueueByteCount) throws(DeliveryTraceError) {
        guard text.count <= DeliveryTraceLimits.fileByteCount else { throw .tooLong }
        var reader = StampReader()
        for index in 0..<text.count { try reader.take(text[index]) }
        // The last line may do without its end.
        if reader.hasDigits { try reader.take(UInt8(ascii: "\n")) }
        guard let last = reader.stamps.last else { throw .empty }
        guard last > 0 else { throw .noTime }
        stamps = reader.stamps
        self.queueByteCount = queueByteCount
    }

    /// How long it is, in milliseconds; over 0.
    package var period: UInt64 { UInt64(stamps.last ?? 1) }

    /// The mean of the whole trace.
    package var meanBitsPerSecond: Int { stamps.count * Self.opportunityByteCount * 8 * 1000 / Int(period) }

    /// The first opportunity that is later than `milliseconds` of a trace that repeats for ever.
    func opportunity(after milliseconds: UInt64) -> Opportunity {
        let rest = UInt32(truncatingIfNeeded: milliseconds % period)
        // The last stamp is the period, so one later than the rest is always there.
        var (low, high) = (0, stamps.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if stamps[middle] > rest { high = middle } else { low = middle + 1 }
        }
        return Opportunity(cycle: milliseconds / period, index: low)
    }

    func opportunity(after other: Opportunity) -> Opportunity {
        other.index + 1 < stamps.count
            ? Opportunity(cycle: other.cycle, index: other.index + 1) : Opportunity(cycle: other.cycle + 1, index: 0)
    }

    /// Milliseconds since the trace began for the first time.
    func time(of opportunity: Opportunity) -> UInt64 { opportunity.cycle * period + UInt64(stamps[opportunity.index]) }

    struct Opportunity: Hashable, Sendable {
        /// How often the trace has begun again.
        var cycle: UInt64
        var index: Int
    }
}

/// Limits of traces.
package enum DeliveryTraceLimits {
    package static let fileByteCount = 16 << 20
    /// The greatest stamp: a day.
    package static let stamp: UInt32 = 86_400_000
    /// The queue of a trace for which nobody says another: a hundred packets of full size.
    package static let usualQueueByteCount = 100 * DeliveryTrace.opportunityByteCount
    package static let queueByteCount = 16 << 20
}

/// Why a file is no trace. `description` is one line.
package enum DeliveryTraceError: Error, Hashable, Sendable, CustomStringConvertible {
    case notAStamp(line: Int)
    case overLimit(line: Int)
    case falls(line: Int)
    case empty
    case noTime
    case tooLong

    package var description: String {
        switch self {
        case .notAStamp(let line):
            "line \(line) is no stamp; expected whole milliseconds in decimal digits, one stamp a line and no empty lines"
        case .overLimit(let line): "the stamp in line \(line) is over \(DeliveryTraceLimits.stamp) ms, a day"
        case .falls(let line): "the stamp in line \(line) is earlier than the one before; expected stamps that never fall"
        case .empty: "holds no stamps; expected a mahimahi trace, one millisecond stamp a line"
        case .noTime: "its last stamp is 0; a trace must take time"
        case .tooLong: "is over \(DeliveryTraceLimits.fileByteCount >> 20) MiB; cut the trace, it begins again at its end"
        }
    }
}

/// Reads stamps byte by byte.
private struct StampReader {
    var stamps: [UInt32] = []
    private var value: UInt32 = 0
    private(set) var hasDigits = false

    mutating func take(_ byte: UInt8) throws(DeliveryTraceError) {
        let line = stamps.count + 1
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            value = value * 10 + UInt32(byte - UInt8(ascii: "0"))
            guard value <= DeliveryTraceLimits.stamp else { throw .overLimit(line: line) }
            hasDigits = true
        case UInt8(ascii: "\n"):
            guard hasDigits else { throw .notAStamp(line: line) }
            if let last = stamps.last, value < last { throw .falls(line: line) }
            stamps.append(value)
            (value, hasDigits) = (0, false)
        default: throw .notAStamp(line: line)
        }
    }
}
