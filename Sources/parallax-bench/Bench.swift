internal import Wire

/// Runs one kind of load against one server, repeat by repeat, and reads both processes' CPU.
struct Bench<Flow: LoadFlow> {
    let server: ServerProcess
    let load: LoadGenerator<Flow>
    let sessionCount: Int
    let options: MeasurementOptions
    /// The server's memory before the first session.
    var idleResidentBytes: Int?

    /// As much as goes through: `window` frames of every session are under way.
    func saturated(_ name: String, window: Int) -> Measurement {
        measure(name) { load.saturate(window: window, seconds: options.seconds) }
    }

    /// A frame of every session each 20 ms.
    func paced(_ name: String) -> Measurement {
        measure(name) { load.pace(interval: .milliseconds(20), seconds: options.seconds) }
    }

    private func measure(_ name: String, _ phase: () -> LoadGenerator<Flow>.Outcome) -> Measurement {
        var samples = Samples()
        // The first turn warms caches and allocators and is thrown away.
        for turn in 0...options.repeats {
            let before = ProcessFigures.cpuNanoseconds(of: server.pid)
            let outcome = phase()
            let cpu = Double(ProcessFigures.cpuNanoseconds(of: server.pid) - before)
            if turn > 0 { samples.add(outcome, cpuNanoseconds: cpu) }
        }
        var measurement = samples.measurement(name: name, sessions: sessionCount)
        if let idleResidentBytes {
            let grown = ProcessFigures.residentBytes(of: server.pid) - idleResidentBytes
            measurement.bytesPerSession = Spread([Double(grown) / Double(sessionCount)])
        }
        return measurement
    }

    private struct Samples {
        var framesPerSecond: [Double] = [], cpuPerFrame: [Double] = [], serverShare: [Double] = []
        var loadShare: [Double] = [], median: [Double] = [], p99: [Double] = []
        var datagrams: [Double] = [], lost: [Double] = []

        mutating func add(_ outcome: LoadGenerator<Flow>.Outcome, cpuNanoseconds: Double) {
            framesPerSecond.append(Double(outcome.echoed) / outcome.seconds)
            serverShare.append(cpuNanoseconds / 1e9 / outcome.seconds)
            loadShare.append(outcome.busyShare)
            guard outcome.echoed > 0 else { return }
            cpuPerFrame.append(cpuNanoseconds / 1_000 / Double(outcome.echoed))
            datagrams.append(Double(outcome.datagramsReceived) / Double(outcome.echoed))
            lost.append(max(0, 1 - Double(outcome.echoed) / Double(max(1, outcome.offered))))
            if let value = outcome.delays.percentile(0.5) { median.append(value) }
            if let value = outcome.delays.percentile(0.99) { p99.append(value) }
        }

        func measurement(name: String, sessions: Int) -> Measurement {
            Measurement(
                name: name, sessions: sessions, framesPerSecond: Spread(framesPerSecond),
                serverMicrosecondsPerFrame: Spread(cpuPerFrame), serverCoreShare: Spread(serverShare),
                loadCoreShare: Spread(loadShare), roundTripMedianMilliseconds: Spread(median),
                roundTripP99Milliseconds: Spread(p99), datagramsPerFrame: Spread(datagrams), lostShare: Spread(lost))
        }
    }
}
