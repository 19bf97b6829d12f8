@preconcurrency internal import Dispatch
internal import Glibc

/// SIGINT and SIGTERM as calls: the first asks to stop, the second ends the process at once.
/// Keep the value for as long as they are to be caught.
package final class StopSignals {
    private let sources: [any DispatchSourceSignal]

    /// From here on the two signals no longer end the process by themselves.
    /// - Parameter onFirst: called once, on a queue of its own.
    package init(onFirst: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "stop-signals")
        let count = SignalCount()
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                // 128 and the signal's number: what a shell reports of a process that a signal ended.
                if count.increment() > 1 { _exit(128 + number) }
                onFirst()
            }
            source.resume()
            return source
        }
    }
}

/// - Safety: read and written on the one serial queue of `StopSignals` only.
private final class SignalCount: @unchecked Sendable {
    private var count = 0

    func increment() -> Int {
        count += 1
        return count
    }
}
