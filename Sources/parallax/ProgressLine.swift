internal import Foundation
internal import Lab

/// How far a sweep is, on one line of a terminal that is written over; silent where standard error is none.
struct ProgressLine {
    private let total: Int
    private let isShown = isatty(STDERR_FILENO) == 1
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var shown: ContinuousClock.Instant
    private var count = 0

    init(total: Int) {
        self.total = total
        start = clock.now
        shown = start
    }

    mutating func advance(_ cell: Cell) {
        advance("\(cell.profile) \(cell.transport) \(cell.mode)", unit: "trials")
    }

    mutating func advance(_ what: String, unit: String) {
        count += 1
        guard isShown, clock.now - shown > .milliseconds(100) else { return }
        shown = clock.now
        let seconds = (shown - start) / .seconds(1)
        let left = TimeEstimate.text(seconds / Double(count) * Double(total - count))
        let text = "\(count) of \(total) \(unit), \(left) left: \(what)"
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text.prefix(78))".utf8))
    }

    func clear() {
        if isShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    }
}
