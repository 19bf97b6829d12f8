/// Where the audio of a session stands when it goes on over another connection: for a transport whose events carry audio, which names no
/// frame by itself.
package struct AudioPlace: Hashable, Sendable {
    /// The number of the next frame of a prompt.
    package var nextSequence: UInt16
    /// The newest answers, and the number of the first frame of each, in order.
    package var answers: [(firstSequence: UInt16, part: PartLocator)] { places.map { ($0.firstSequence, $0.part) } }
    /// The number of the first frame that was never sent.
    package var nextAnswerSequence: UInt16
    /// The parts that have more audio to come.
    package var openParts: [PartLocator]
    /// The response whose audio has begun and not ended.
    package var playingResponseID: String?
    private var places: [Playout.Place]

    init(nextSequence: UInt16, playout: Playout, openPart: PartLocator?) {
        self.nextSequence = nextSequence
        nextAnswerSequence = playout.nextSequence
        places = playout.places
        openParts = playout.parts
        if let openPart, !openParts.contains(openPart) { openParts.append(openPart) }
        playingResponseID = playout.startedResponseID
    }
}
