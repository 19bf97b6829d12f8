package import Session
package import Wire

// What the talker does: each of these reaches the session first, and by it the connection that is open.

extension ClientEndpoint {
    /// Sends one Opus packet that was captured now. One that is captured before the connection is there waits for it.
    package func capture(payload: [UInt8], duration: Duration, now: Instant) {
        let refused = client.refusedFrames
        client.capture(payload: payload, duration: duration, now: now)
        if client.refusedFrames > refused { notices.append(.frameRefused(.queueFull)) }
        flush(now: now)
    }

    /// Ends the prompt.
    package func commit(now: Instant) {
        client.commit(now: now)
        flush(now: now)
    }

    /// Takes back the frames since the last commit.
    package func clear(now: Instant) {
        client.clear(now: now)
        flush(now: now)
    }

    package func requestResponse(now: Instant) {
        client.requestResponse(now: now)
        flush(now: now)
    }

    package func cancelResponse(now: Instant) {
        client.cancelResponse(now: now)
        flush(now: now)
    }

    package func changeMode(_ mode: ReliabilityMode, now: Instant) {
        client.changeMode(mode, now: now)
        flush(now: now)
    }

    /// Ends the session; what was sent before still arrives.
    package func close(code: UInt32 = 0, reason: String = "", now: Instant) {
        giveUpAttempt(reason: reason, endsSession: true, now: now)
        if isLost { isOver = true }
        let wasOver = isOver
        current.close(code: code, reason: reason, now: now)
        serve(now: now)
        if !wasOver { isOver = true }
    }
}
