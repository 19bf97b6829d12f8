import NIOPosix
import Server

// Tests on real sockets share one process, and its two or so threads for tasks, with those that reckon in virtual time for a minute.

/// Runs what waits for sockets or for tasks on a thread that may wait: the threads that run tasks are few.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await NIOThreadPool.singleton.runIfActive(body)
}

extension SignallingClient.Limits {
    /// The server's HTTP may not get a thread for long.
    static let patient = {
        var limits = SignallingClient.Limits()
        limits.time = .seconds(120)
        return limits
    }()
}

extension TalkScript {
    /// For tests in which nothing but the clip is of interest.
    static func patient(_ frames: [[UInt8]]) -> TalkScript {
        var script = TalkScript(frames: frames)
        script.limits.connect = .seconds(120)
        return script
    }
}
