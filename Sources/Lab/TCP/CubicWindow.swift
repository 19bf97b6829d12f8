import Wire

/// How many segments may be under way: slow start and CUBIC (RFC 9438), as Linux counts (`tcp_cubic.c`), without HyStart, which needs
/// a window of sixteen to begin with.
struct CubicWindow: Hashable {
    /// RFC 6928.
    static let initial = 10
    /// What a loss leaves of the window (RFC 9438 section 4.6), as Linux has it.
    private static let reduction = 717.0 / 1024
    /// RFC 9438 section 5.1, in segments for a second cubed.
    private static let scale = 0.4

    var count = Self.initial
    private(set) var threshold = Int.max
    /// Acknowledged since the window grew last, outside of slow start.
    private var credit = 0
    /// Where the last loss met the window.
    private var greatest = 0.0
    private var epoch: Epoch?

    /// What growth counts from.
    private struct Epoch: Hashable {
        let begin: Instant
        /// The window to come back to, and how long that takes.
        let origin: Double
        let plateau: Double
        /// RFC 9438 section 4.3: the window that Reno would have.
        var renoCount: Double
        var renoCredit: Double
    }

    var isSlowStart: Bool { count < threshold }

    /// The threshold that a loss makes, and the window before it.
    mutating func reduce() -> (window: Int, threshold: Int) {
        epoch = nil
        let window = Double(count)
        greatest = window < greatest ? window * (1 + Self.reduction) / 2 : window
        let before = (count, max(threshold, count / 2 + count / 4))
        threshold = max(2, Int(window * Self.reduction))
        credit = 0
        return before
    }

    /// After a timeout nothing that was learnt counts.
    mutating func forget() {
        epoch = nil
        greatest = 0
    }

    /// A reduction turned out not to be called for.
    mutating func restore(window: Int, threshold: Int) {
        count = max(count, window)
        self.threshold = max(self.threshold, threshold)
    }

    /// RFC 2861, where only a part of the window was made use of for a while.
    mutating func decay(used: Int) {
        let used = max(used, Self.initial)
        guard used < count else { return }
        threshold = max(threshold, count / 2 + count / 4)
        count = (count + used) / 2
    }

    /// RFC 2861 section 3.1: after idle time the window is halved for each timeout that has passed.
    mutating func restart(idle: Duration, timeout: Duration) {
        threshold = max(threshold, count / 2 + count / 4)
        let floor = min(count, Self.initial)
        var left = idle - timeout
        while left > .zero, count > floor {
            count >>= 1
            left -= timeout
        }
        count = max(count, floor)
    }

    /// So many were acknowledged while the window was made use of.
    mutating func grow(by acknowledged: Int, roundTrip: Duration, now: Instant) {
        var acknowledged = acknowledged
        if isSlowStart {
            let grown = min(count + acknowledged, threshold)
            acknowledged -= grown - count
            count = grown
            guard acknowledged > 0 else { return }
        }
        let needed = acknowledgementsNeeded(acknowledged, roundTrip: roundTrip, now: now)
        if credit >= needed {
            credit = 0
            count += 1
        }
        credit += acknowledged
        if credit >= needed {
            count += credit / needed
            credit %= needed
        }
    }

    /// How many acknowledgements make the window grow by one.
    private mutating func acknowledgementsNeeded(_ acknowledged: Int, roundTrip: Duration, now: Instant) -> Int {
        let window = Double(count)
        var epoch = epoch ?? {
            let distance = max(0, greatest - window)
            return Epoch(
                begin: now, origin: max(greatest, window), plateau: Self.cubeRoot(distance / Self.scale), renoCount: window, renoCredit: 0)
        }()
        let time = (now - epoch.begin + roundTrip).milliseconds / 1000 - epoch.plateau
        let target = epoch.origin + Self.scale * time * time * time
        var needed = target > window ? window / (target - window) : 100 * window
        if greatest == 0 { needed = min(needed, 20) }
        epoch.renoCredit += Double(acknowledged)
        let step = window * (1 + Self.reduction) / (3 * (1 - Self.reduction))
        while epoch.renoCredit > step {
            epoch.renoCredit -= step
            epoch.renoCount += 1
        }
        if epoch.renoCount > window { needed = min(needed, window / (epoch.renoCount - window)) }
        self.epoch = epoch
        return max(2, Int(needed))
    }

    /// Newton's method from above: the same on every machine, which the mathematics of the C library need not be.
    private static func cubeRoot(_ value: Double) -> Double {
        guard value > 0 else { return 0 }
        var root = max(1, value)
        for _ in 0..<60 { root = (2 * root + value / (root * root)) / 3 }
        return root
    }
}
