internal import ArgumentParser

/// The options that every measurement shares.
struct MeasurementOptions: ParsableArguments {
    @Option(help: "How often each figure is measured.")
    var repeats = 3

    @Option(help: "How long one repeat lasts, in seconds.")
    var seconds = 3.0

    @Option(help: "Bytes of one Opus packet.")
    var frameBytes = 80

    @Flag(help: "Print one JSON object a figure instead of text.")
    var json = false

    func validate() throws {
        guard repeats >= 1, repeats <= 1_000 else { throw ValidationError("--repeats takes a number from 1 to 1000.") }
        guard seconds > 0, seconds <= 3_600 else { throw ValidationError("--seconds takes a number from 0 to 3600.") }
        guard frameBytes >= 8, frameBytes <= 1_000 else { throw ValidationError("--frame-bytes takes a number from 8 to 1000.") }
    }
}

/// What one server did under one kind of load, over all repeats.
struct Measurement: Encodable {
    /// What was measured: `floor saturated`, `roq paced`, …
    var name: String
    var sessions: Int
    var framesPerSecond: Spread?
    /// The server's CPU for one frame in and out again, in microseconds.
    var serverMicrosecondsPerFrame: Spread?
    /// The shares of one core that the server and the load used: the greater one was the limit.
    var serverCoreShare: Spread?
    var loadCoreShare: Spread?
    /// From the frame's departure at the load to its echo there.
    var roundTripMedianMilliseconds: Spread?
    var roundTripP99Milliseconds: Spread?
    /// Datagrams that came back for one frame.
    var datagramsPerFrame: Spread?
    /// The share of the frames that did not come back.
    var lostShare: Spread?
    var bytesPerSession: Spread?

    /// One row for people.
    var text: String {
        var lines = ["\(name), \(sessions) sessions"]
        func add(_ label: String, _ spread: Spread?, digits: Int) {
            guard let spread else { return }
            let padding = String(repeating: " ", count: max(1, 30 - label.count))
            lines.append("  \(label)\(padding)\(spread.text(fractionDigits: digits))")
        }
        add("frames/s echoed", framesPerSecond, digits: 0)
        add("server CPU, µs a frame", serverMicrosecondsPerFrame, digits: 2)
        add("server, share of a core", serverCoreShare, digits: 2)
        add("load, share of a core", loadCoreShare, digits: 2)
        add("round trip p50, ms", roundTripMedianMilliseconds, digits: 3)
        add("round trip p99, ms", roundTripP99Milliseconds, digits: 3)
        add("datagrams back a frame", datagramsPerFrame, digits: 2)
        add("frames lost, share", lostShare, digits: 4)
        add("server memory, KB a session", bytesPerSession.map { $0.scaled(by: 1 / 1_024) }, digits: 1)
        return lines.joined(separator: "\n")
    }
}
