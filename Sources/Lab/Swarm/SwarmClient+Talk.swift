import Endpoint
import Session
import Wire

// What a talker says, and when.

extension SwarmClient {
    /// Does what is due.
    /// - Parameter isHealed: the networks will do no more harm: this prompt is the last.
    func handleTimeout(isHealed: Bool, now: Instant) {
        if let deadline = attachment.deadline, deadline <= now { attachment.handleTimeout(now: now) }
        hear(now: now)
        switch phase {
        case .pausing(let until) where until <= now: beginPrompt(isHealed: isHealed, now: now)
        case .speaking(let talk) where talk.nextFrame <= now: speak(talk, isHealed: isHealed, now: now)
        case .settling where book.isSettled:
            counts.sessions += 1
            phase = .closing
            endpoint.close(now: now)
        default: break
        }
    }

    private func beginPrompt(isHealed: Bool, now: Instant) {
        guard book.mayCommit else {
            phase = .pausing(until: now + .milliseconds(100))
            return
        }
        let frames = 5 + source.below(56)
        speak(
            Talk(framesLeft: frames, nextFrame: now, modeChange: source.below(3) == 0 ? source.below(frames) : nil), isHealed: isHealed,
            now: now)
    }

    private func speak(_ talk: Talk, isHealed: Bool, now: Instant) {
        var talk = talk
        if talk.modeChange == talk.framesLeft { changeMode(now: now) }
        talk.isReliable = talk.isReliable && endpoint.mode.isReliable
        endpoint.capture(payload: payload(), duration: .milliseconds(20), now: now)
        book.captured()
        talk.frames += 1
        talk.framesLeft -= 1
        talk.nextFrame = now + .milliseconds(20)
        phase = .speaking(talk)
        hear(now: now)
        guard case .speaking(let talk) = phase, talk.framesLeft == 0 else { return }
        endPrompt(talk, isHealed: isHealed, now: now)
    }

    private func changeMode(now: Instant) {
        // Before there is a connection, it is the first one's transport that decides.
        let offered = isConfirmed ? endpoint.capabilities.modes : habits.transport.modes
        guard !offered.isEmpty else { return }
        counts.modeChanges += 1
        book.updates()
        endpoint.changeMode(offered[source.below(offered.count)], now: now)
    }

    private func endPrompt(_ talk: Talk, isHealed: Bool, now: Instant) {
        if source.below(8) == 0, !isHealed {
            endpoint.clear(now: now)
            book.clears(frames: talk.frames)
        } else {
            endpoint.commit(now: now)
            book.commits(SwarmBook.Prompt(frames: talk.frames, hasManifest: habits.sendsManifest, isReliable: talk.isReliable))
            if book.mayAskForResponse, source.below(3) > 0 {
                endpoint.requestResponse(now: now)
                book.asksForResponse()
            } else if book.mayCancel, source.below(3) == 0 {
                endpoint.cancelResponse(now: now)
                book.cancels()
            }
        }
        phase = isHealed ? .settling : .pausing(until: now + milliseconds(0...1500))
    }

    /// One Opus packet: its first byte says 20 ms of wide-band SILK; nobody listens to the rest.
    private func payload() -> [UInt8] {
        var bytes: [UInt8] = [0x48]
        for _ in 0..<(20 + source.below(100)) { bytes.append(UInt8(truncatingIfNeeded: source.next())) }
        return bytes
    }
}
