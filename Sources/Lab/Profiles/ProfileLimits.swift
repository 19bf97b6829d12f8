/// What a profile may say, and how much of it.
package enum ProfileLimits {
    /// The most profiles in one file.
    static let profiles = 256
    package static let fileByteCount = 1 << 20
    static let nameByteCount = 64
    static let textByteCount = 400
    /// How deep a file's values may nest.
    static let depth = 16
    /// The longest way.
    static let delayMilliseconds = 10_000
    static let jitterMilliseconds = 5_000.0
    static let queueMilliseconds = 60_000.0
    static let kilobitsPerSecond: ClosedRange<Double> = 1...10_000_000
    static let burstFrames = 10_000.0
    /// The longest time in which something happens: a day.
    static let timeMilliseconds = 86_400_000.0
    static let load = 100.0
}
