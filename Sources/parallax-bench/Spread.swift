/// The spread of one figure over the repeats of a measurement.
struct Spread: Encodable {
    let minimum: Double
    let median: Double
    let maximum: Double

    /// - Returns: `nil` when there is no sample.
    init?(_ samples: [Double]) {
        let sorted = samples.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        minimum = first
        maximum = last
        let middle = sorted.count / 2
        median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    func scaled(by factor: Double) -> Spread {
        Spread(minimum: minimum * factor, median: median * factor, maximum: maximum * factor)
    }

    private init(minimum: Double, median: Double, maximum: Double) {
        self.minimum = minimum
        self.median = median
        self.maximum = maximum
    }

    /// `min / median / max`, each with so many digits after the point.
    func text(fractionDigits: Int) -> String {
        [minimum, median, maximum].map { decimal($0, fractionDigits: fractionDigits) }.joined(separator: " / ")
    }
}

/// `value` in decimal digits, without Foundation's formatters.
func decimal(_ value: Double, fractionDigits: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<fractionDigits { scale *= 10 }
    let scaled = Int64((value.magnitude * scale).rounded())
    let whole = scaled / Int64(scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard fractionDigits > 0 else { return "\(sign)\(whole)" }
    let fraction = String(scaled % Int64(scale))
    return "\(sign)\(whole)." + String(repeating: "0", count: fractionDigits - fraction.count) + fraction
}

/// Counts of delays, for percentiles: exact up to a microsecond below 1 ms, within 1/64 above.
struct DelayHistogram {
    private var counts = [UInt32](repeating: 0, count: 64 * 40)
    private(set) var total = 0

    mutating func record(nanoseconds: UInt64) {
        counts[min(Self.slot(of: nanoseconds / 1_000), counts.count - 1)] += 1
        total += 1
    }

    /// The delay in milliseconds below which the given share of the samples lie; `nil` without samples.
    func percentile(_ share: Double) -> Double? {
        guard total > 0 else { return nil }
        let rank = Int((Double(total) * share).rounded(.up))
        var seen = 0
        for (slot, count) in counts.enumerated() {
            seen += Int(count)
            if seen >= rank { return Double(Self.upperMicroseconds(of: slot)) / 1_000 }
        }
        return nil
    }

    // 64 slots an octave above 1,024 µs, one slot a microsecond below.
    private static func slot(of microseconds: UInt64) -> Int {
        guard microseconds >= 1_024 else { return Int(microseconds) }
        let exponent = 63 - microseconds.leadingZeroBitCount
        return 1_024 + (exponent - 10) * 64 + Int(microseconds >> UInt64(exponent - 6)) - 64
    }

    private static func upperMicroseconds(of slot: Int) -> UInt64 {
        guard slot >= 1_024 else { return UInt64(slot) + 1 }
        let (octave, step) = (slot - 1_024).quotientAndRemainder(dividingBy: 64)
        return UInt64(step + 65) << UInt64(octave + 4)
    }
}
