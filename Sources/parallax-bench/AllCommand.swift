internal import ArgumentParser

struct AllCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "all",
        abstract: "Every figure, one part after the other (the default).")

    @OptionGroup var options: MeasurementOptions

    func run() throws {
        let shared = ["--repeats", "\(options.repeats)", "--seconds", "\(options.seconds)", "--frame-bytes", "\(options.frameBytes)"]
        let form = options.json ? ["--json"] : []
        try SaturatedCommand.parse(shared + form).run()
        try PacedCommand.parse(shared + form).run()
        try ChurnCommand.parse(form).run()
        try VirtualCommand.parse(["--repeats", "\(options.repeats)"] + form).run()
    }
}
