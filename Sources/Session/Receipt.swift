package import Wire

/// The server's account of one prompt: `conversation.item.input_audio_integrity.completed`.
package struct Receipt: Hashable, Sendable {
    package var itemID: String
    package var contentIndex = 0
    package var verdict: Verdict
    /// From the manifest, or from the sequence numbers seen where there was none.
    package var expectedFrames: Int
    /// How many of them were there at the decision.
    package var receivedFrames: Int
    /// How many arrived within `live_deadline_ms` of their capture.
    package var liveFrames: Int
    package var recovered = Recovered()
    /// How many arrived in time for the decision, but not live.
    package var lateFrames: Int
    package var duplicateFrames: Int
    /// The holes that nothing covers, in milliseconds from the beginning of the prompt.
    package var missing: [MissingRange]
    package var longestGapMilliseconds: Int
    package var sha256: Hashes
    /// From the commit to the decision.
    package var waitedMilliseconds: Int
    package var transport: String
    /// The transports of all attachments over which the prompt came, in order: more than one where it was moved or resumed.
    /// `nil` where another server does not say.
    package var transports: [String]?
    /// The mode at the commit.
    package var mode: ReliabilityMode

    package enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
        /// Every frame is there and the hash is equal.
        case intact
        /// No hole, but some frames only by forward error correction.
        case covered
        /// Holes, or bytes that are not those of the manifest.
        case degraded
        /// No manifest, or no hash in it, or no payloads kept: what is not known to be missing may be.
        case unverified
        /// Not whole, and the session's policy is to reject such prompts.
        case rejected
    }

    /// How many frames came only by this means; each is part of `receivedFrames` too, but for `fec`.
    package struct Recovered: Codable, Hashable, Sendable {
        package var fec = 0
        package var red = 0
        package var nack = 0
        package var repair = 0
        package init() {}

        mutating func count(_ recovery: MediaFrame.Recovery?) {
            switch recovery {
            case nil: break
            case .red: red += 1
            case .nack: nack += 1
            case .repair: repair += 1
            }
        }
    }

    package struct MissingRange: Hashable, Sendable {
        package var fromMilliseconds: Int
        package var toMilliseconds: Int

        package init(fromMilliseconds: Int, toMilliseconds: Int) {
            self.fromMilliseconds = fromMilliseconds
            self.toMilliseconds = toMilliseconds
        }
    }

    package struct Hashes: Codable, Hashable, Sendable {
        /// From the manifest.
        package var expected: String?
        /// Over the frames that were there; `nil` where no payloads are kept.
        package var actual: String?

        package init(expected: String?, actual: String?) {
            self.expected = expected
            self.actual = actual
        }
    }
}

/// What the client says of the prompt that it commits: `parallax` of `input_audio_buffer.commit`.
package struct Manifest: Hashable, Sendable {
    /// The RTP sequence number of the prompt's first frame, as it travelled.
    package var firstSequence: UInt16
    package var frames: Int
    /// In hexadecimal; without it a prompt can be complete, but not proved intact.
    package var sha256: String?

    package init(firstSequence: UInt16, frames: Int, sha256: String?) {
        self.firstSequence = firstSequence
        self.frames = frames
        self.sha256 = sha256
    }
}

/// A decided prompt frame by frame, for whoever measures.
package struct PromptAccount: Hashable, Sendable {
    package var receipt: Receipt
    /// The 16-bit sequence number of the first frame expected.
    package var firstSequence: UInt16
    /// What had become of each expected frame by the decision.
    package var frames: [Frame]
    package var committed: Instant
    package var decided: Instant
    /// Frames of this prompt that came after its decision; they are in no prompt.
    package var framesAfterDecision = 0

    package enum Frame: Hashable, Sendable {
        /// It is in the prompt: when its first copy came, and by which means where it did not come by itself.
        case arrived(Instant, recovery: MediaFrame.Recovery?)
        /// Missing, but the frame after it carries a coarse copy.
        case covered
        case missing

        package var arrival: Instant? {
            guard case .arrived(let arrival, _) = self else { return nil }
            return arrival
        }
    }

    package init(
        receipt: Receipt, firstSequence: UInt16, frames: [Frame], committed: Instant, decided: Instant, framesAfterDecision: Int = 0
    ) {
        self.receipt = receipt
        self.firstSequence = firstSequence
        self.frames = frames
        self.committed = committed
        self.decided = decided
        self.framesAfterDecision = framesAfterDecision
    }

    /// When each expected frame arrived first; `nil` where it had not by the decision.
    package var arrivals: [Instant?] { frames.map(\.arrival) }
}

extension Receipt: Codable {
    private enum CodingKeys: String, CodingKey {
        case itemID = "item_id", contentIndex = "content_index", verdict
        case expectedFrames = "expected_frames", receivedFrames = "received_frames", liveFrames = "live_frames"
        case recovered, lateFrames = "late_frames", duplicateFrames = "duplicate_frames", missing
        case longestGapMilliseconds = "longest_gap_ms", sha256, waitedMilliseconds = "waited_ms", transport, transports, mode
    }
}

extension Receipt.MissingRange: Codable {
    private enum CodingKeys: String, CodingKey {
        case fromMilliseconds = "from_ms", toMilliseconds = "to_ms"
    }
}

extension Manifest: Codable {
    enum CodingKeys: String, CodingKey {
        case firstSequence = "first_sequence", frames, sha256
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let first = UInt16(exactly: try container.decode(Int.self, forKey: .firstSequence)) else {
            throw EventError.invalidValue("An RTP sequence number lies between 0 and 65535.", param: "parallax.first_sequence")
        }
        firstSequence = first
        frames = try container.decode(Int.self, forKey: .frames)
        sha256 = try container.decodeIfPresent(String.self, forKey: .sha256)
    }
}
