/// What a session hands out, drained by `Session.pollOutput` after every call.
package enum SessionOutput: Hashable, Sendable {
    /// One JSON event for the client.
    case event([UInt8])
    /// One frame for the client, by the primitive that the mode asks for.
    case frame(MediaFrame, Delivery)
    /// The talk is over: behind the frames and events so far nothing follows that would show their loss.
    case talkEnded
    /// A commit says that these frames were sent, the last included, and some have not come: a transport whose receiver asks
    /// for what it misses may not know of those at either end.
    case expect(first: UInt16, last: UInt16)
    /// For the session's responder.
    case responder(ResponderInput)
    /// The session is over: close its attachment and forget it.
    case close(code: UInt64, reason: String)
}

/// What a session asks of its responder.
package enum ResponderInput: Hashable, Sendable {
    /// Answer. `prompt` holds the payloads, in order, of the last decided prompt that no response has used yet;
    /// it is empty where there is none.
    case respond(responseID: String, prompt: [[UInt8]])
    /// Stop working on this response; nothing more of it is wanted.
    case cancel(responseID: String)
}

/// What a responder gives back, handed to `Session.receive(_:now:)`.
package enum ResponderOutput: Hashable, Sendable {
    /// Opus packets that follow those given before; the session plays them out in real time.
    case audio(responseID: String, packets: [[UInt8]])
    /// More of the words that the audio says.
    case transcript(responseID: String, delta: String)
    /// The response is whole. Audio may still be playing.
    case done(responseID: String)
    case failed(responseID: String, message: String)
}
