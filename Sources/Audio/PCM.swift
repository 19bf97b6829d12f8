/// One channel of sound: samples of −1 … 1, `sampleRate` of them a second.
package struct PCM: Hashable, Sendable {
    package var sampleRate: Int
    package var samples: [Float]

    package init(sampleRate: Int, samples: [Float]) {
        self.sampleRate = sampleRate
        self.samples = samples
    }

    package var duration: Duration {
        sampleRate > 0 ? .nanoseconds(Int64(samples.count) * 1_000_000_000 / Int64(sampleRate)) : .zero
    }
}
