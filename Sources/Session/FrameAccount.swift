/// What became of every frame that came to a session. Each is counted once when it comes, and once more, where it was new, when it
/// leaves the ledger:
///
///     received = fresh + duplicate + after decision + outside
///     fresh    = decided + cleared + overflowed + held
///
/// What the client captured and neither `fresh` nor `afterDecision` counts never came, or came when it was of no prompt any more.
package struct FrameAccount: Hashable, Sendable, Codable {
    /// Frames that a transport handed up, by whatever primitive.
    package var received = 0
    /// The first copies of frames of a prompt that was open or waited.
    package var fresh = 0
    package var duplicate = 0
    /// The first copies of frames that their prompt was decided without.
    package var afterDecision = 0
    /// Of no prompt: cleared, too large, too far behind, or beyond a limit.
    package var outside = 0
    /// In the prompts that were decided: the sum of their receipts' `received_frames`.
    package var decided = 0
    /// Taken back by `input_audio_buffer.clear`, or named by no manifest.
    package var cleared = 0
    /// Fell out of the ledger, which holds so many frames and bytes.
    package var overflowed = 0
    /// In the ledger still: of no decided prompt.
    package var held = 0

    package init() {}

    /// Both sums are right.
    package var isBalanced: Bool {
        received == fresh + duplicate + afterDecision + outside && fresh == decided + cleared + overflowed + held
    }

    private enum CodingKeys: String, CodingKey {
        case received, fresh, duplicate, afterDecision = "after_decision", outside, decided, cleared, overflowed, held
    }
}

extension Session {
    package var frameAccount: FrameAccount {
        var account = FrameAccount()
        account.received = counters.framesReceived
        account.duplicate = counters.framesDuplicate
        account.afterDecision = counters.framesAfterDecision
        account.outside = counters.framesOutside
        account.fresh = ledger.tally.fresh
        account.decided = ledger.tally.decided
        account.cleared = ledger.tally.cleared
        account.overflowed = ledger.tally.overflowed
        account.held = ledger.heldFrames
        return account
    }
}
