/// What the words of the report mean: short forms of docs/measures.md and docs/receipts.md.
enum Definitions {
    static let measures: [(term: String, meaning: String)] = [
        ("prompt", "What is said in one turn, from its first frame to the commit. A frame is one Opus packet, usually of 20 ms."),
        ("whole, intact", "The hash over the frames that the server has is the hash that the client sent with its commit: the same bytes, bit for bit."),
        ("live", "Arrived at the server within 200 ms of its capture, in time for live turn detection."),
        ("late", "Arrived later than that, but before the prompt was decided."),
        ("recovered", "Came as a copy: in another frame's packet (red), or sent again (nack, repair). On streams the protocol below sends again, and nobody above can tell."),
        ("covered", "Missing, but the next frame carries a coarse copy of it (Opus in-band FEC). A covered prompt is not whole."),
        ("lost", "Not there when the prompt was decided."),
        ("frame delay", "From a frame's capture to its arrival at the server, over the frames in the prompt."),
        ("commit wait", "From the commit's leaving the client to the server's decision: it decides at once when every frame is there, else after as long as its policy for the mode waits."),
        ("first audio of the answer", "From the commit's leaving the client to the first frame of the answer at the client."),
        ("set-up", "From the client's first packet, signalling included, to the moment at which the first frame may leave."),
        ("round trips", "How many of them lie before that moment, counted by cause: a packet is one deeper than the deepest that its sender had received."),
        ("wire cost", "All bytes that the client sent in the trial with IP and UDP headers, lost ones and handshakes too, for each byte of Opus in its frames."),
    ]

    static let modes: [(term: String, meaning: String)] = [
        ("datagram", "One datagram a frame, sent once."),
        ("fec", "The same; each frame holds a coarse copy of the one before (Opus in-band FEC)."),
        ("red", "Each datagram holds the frames before it, too (RFC 2198)."),
        ("nack", "Datagrams; a lost one is sent again until the frame is too old."),
        ("deadline", "A stream or message a frame, given up when the frame is too old."),
        ("repair", "Datagrams at once; what is lost is sent again reliably, and the decision waits for it."),
        ("stream-per-frame", "A reliable stream or message a frame: everything arrives, and no frame waits for another."),
        ("stream", "One reliable stream for all frames: everything arrives, in order."),
    ]

    static let intervals = """
        Intervals are at 95 %: Wilson's for shares, percentile bootstrap with 1,000 draws and a fixed seed for medians and means. Two cells are \
        called separated only where their intervals have no value in common; where many are compared, a few of a hundred such claims are chance. \
        Trials of equal number meet the same network whatever the transport and mode, and paired differences are taken over them.
        """

    static func html(modes present: [String]) -> HTML {
        func list(_ terms: [(term: String, meaning: String)]) -> HTML {
            "<dl>\n\(terms.map { "<dt>\($0.term)</dt><dd>\($0.meaning)</dd>\n" as HTML })</dl>\n"
        }
        return """
            <section id="definitions">
            <h2>What the words mean</h2>
            \(list(measures))<h3>Modes</h3>
            \(list(modes.filter { present.contains($0.term) }))<h3>Intervals</h3>
            <p>\(intervals)</p>
            </section>

            """
    }
}
