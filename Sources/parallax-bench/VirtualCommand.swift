internal import ArgumentParser
internal import Glibc
internal import Lab

struct VirtualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "virtual",
        abstract: "How many trials of the lab one core runs in a second of its own.",
        discussion: """
            Both endpoints, the link between them and the statistics are included; encoding the clip is not, as it is \
            done once for all trials. `datagram` over RoQ unless said otherwise.
            """)

    @Option(help: "The transport.")
    var transport = "roq"

    @Option(help: "The mode.")
    var mode = "datagram"

    @Option(help: "The network.")
    var profile = "clean"

    @Option(help: "How often each figure is taken; the first time, which warms up, is not counted.")
    var repeats = 5

    @Flag(help: "Print one JSON object a figure instead of text.")
    var json = false

    func run() throws {
        let printer = Printer(json: json)
        printer.machine()
        printer.add(try measure(clipSeconds: 4, trials: 200))
        printer.add(try measure(clipSeconds: 60, trials: 20))
    }

    private func measure(clipSeconds: Int, trials: Int) throws -> VirtualResult {
        let clip = try ClipFiles.speech(.seconds(clipSeconds))
        let plan = try Plan(
            seed: 1, transports: transport, modes: mode, profiles: profile, clips: [clip], trialsPerCell: trials)
        let sweep = try Sweep(plan: plan, clips: [clip], commit: "bench")
        var perCPUSecond: [Double] = [], perSecond: [Double] = []
        for turn in 0...repeats {
            let (clock, cpu) = (ContinuousClock.now, ProcessFigures.cpuNanoseconds(of: getpid()))
            for index in 0..<plan.trialCount { _ = try sweep.row(at: index) }
            guard turn > 0 else { continue }
            let used = Double(ProcessFigures.cpuNanoseconds(of: getpid()) - cpu) / 1e9
            let count = Double(plan.trialCount)
            perCPUSecond.append(count / used)
            perSecond.append(count / ((ContinuousClock.now - clock) / .seconds(1)))
        }
        return VirtualResult(
            name: "virtual time, \(transport) \(mode) \(profile)", clipSeconds: clipSeconds,
            trialsPerCPUSecond: Spread(perCPUSecond), trialsPerSecond: Spread(perSecond))
    }
}

/// How fast trials of one clip ran.
struct VirtualResult: Encodable {
    let name: String
    let clipSeconds: Int
    let trialsPerCPUSecond: Spread?
    let trialsPerSecond: Spread?

    var text: String {
        let times = trialsPerCPUSecond?.scaled(by: Double(clipSeconds))
        return """
            \(name), \(clipSeconds) s clip
              trials a second of one core   \(trialsPerCPUSecond?.text(fractionDigits: 0) ?? "-")
              trials a second of the clock  \(trialsPerSecond?.text(fractionDigits: 0) ?? "-")
              times faster than real time   \(times?.text(fractionDigits: 0) ?? "-")
            """
    }
}
