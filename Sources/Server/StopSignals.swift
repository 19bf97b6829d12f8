@preconcurrency internal import Dispatch
internal import Glibc
internal import Synchronization

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

private final class SignalCount: Sendable {
    private let count = Atomic(0)

    func increment() -> Int { count.add(1, ordering: .relaxed).newValue }
}
