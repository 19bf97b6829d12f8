@preconcurrency internal import Dispatch
internal import Glibc
internal import Synchronization

/// SIGINT and SIGTERM as calls: the first asks to stop, the second ends the process at once.
/// Keep the value for as long as they are to be caught.
package final class StopSignals {
    private static let catcher = SignalCatcher()

    /// From here on the two signals no longer end the process by themselves. One value at a time.
    /// - Parameter onFirst: called once, on a queue of its own.
    package init(onFirst: @escaping @Sendable () -> Void) { Self.catcher.listen(onFirst) }

    deinit { Self.catcher.listen(nil) }
}

/// Catches the signals from its first use to the end of the process: Dispatch does not catch a signal reliably for a second
/// source while it is still letting go of the first.
private final class SignalCatcher: Sendable {
    private struct State {
        var sources: [any DispatchSourceSignal] = []
        var onFirst: (@Sendable () -> Void)?
        var count = 0
    }

    private let state = Mutex(State())

    init() {
        let queue = DispatchQueue(label: "stop-signals")
        state.withLock { state in
            state.sources = [SIGINT, SIGTERM].map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { [weak self] in self?.came(number) }
                source.resume()
                return source
            }
        }
    }

    /// - Parameter onFirst: `nil` while a signal shall end the process.
    func listen(_ onFirst: (@Sendable () -> Void)?) {
        state.withLock { state in
            state.onFirst = onFirst
            state.count = 0
        }
    }

    private func came(_ number: Int32) {
        let handler = state.withLock { state -> (@Sendable () -> Void)? in
            state.count += 1
            return state.count > 1 ? nil : state.onFirst
        }
        // 128 and the signal's number: what a shell reports of a process that a signal ended.
        guard let handler else { _exit(128 + number) }
        handler()
    }
}
