internal import Foundation
internal import Lab
internal import Server

/// Where the rows and the summary of a sweep go: files, where a directory is named, and standard output.
struct CompareOutput {
    let directory: String?
    private let trials: FileHandle?

    /// Makes the directory and an empty `trials.jsonl` in it.
    init(directory: String?) throws(CommandFailure) {
        self.directory = directory
        guard let directory else {
            trials = nil
            return
        }
        let path = "\(directory)/trials.jsonl"
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path)
        else { throw CommandFailure(code: "cannot_write", description: "cannot write \(path); name another --out") }
        trials = handle
    }

    /// Adds a row to `trials.jsonl`, so that an interrupted sweep keeps what it has.
    func write(_ row: TrialRow) { trials?.write(Data((row.json + "\n").utf8)) }

    /// Writes `summary.csv` and prints the table, or the summary as JSON.
    func summarise(_ rows: [TrialRow], baseline: Baseline?, asJSON: Bool) throws(CommandFailure) {
        guard !rows.isEmpty else { return }
        let baseline = baseline ?? Baseline(transport: rows[0].transport, mode: rows[0].mode)
        let cells = CellSummary.cells(of: rows, baseline: baseline)
        if let directory {
            let path = "\(directory)/summary.csv"
            do {
                try CellSummary.csv(cells).write(toFile: path, atomically: true, encoding: .utf8)
            } catch {
                throw CommandFailure(code: "cannot_write", description: "cannot write \(path); name another --out")
            }
        }
        if asJSON {
            print(CellSummary.json(cells))
        } else {
            printTable(of: rows)
        }
    }

    private func printTable(of rows: [TrialRow]) {
        let style = TerminalStyle(descriptor: STDOUT_FILENO, environment: Environment.variables)
        let cells = CellSummary.cells(of: rows, poolsClips: true)
        SummaryTable(cells, usesStyle: style.isColoured).lines().forEach { print($0) }
        print("")
        SummaryTable.reading.forEach { print(style.paint($0, .faint)) }
        let unfinished = rows.filter { $0.end != TrialRow.completedEnd }
        for (end, count) in Dictionary(grouping: unfinished, by: \.end).mapValues(\.count).sorted(by: { $0.key < $1.key }) {
            print("\(count) of \(rows.count) trials did not come to their end: \(end)")
        }
        if let directory { print("rows: \(directory)/trials.jsonl   cells, intervals, differences: \(directory)/summary.csv") }
    }
}

/// Why rows could not be read. `description` is one line.
enum RowFileError: Error, CustomStringConvertible {
    case unreadable(path: String)
    case row(path: String, line: Int, RowError)
    case empty

    var description: String {
        switch self {
        case .unreadable(let path): "cannot read \(path); name a trials.jsonl that 'parallax compare --out' wrote"
        case .row(let path, let line, let error): "\(path), line \(line): \(error)"
        case .empty: "the files hold no rows"
        }
    }
}

enum RowFiles {
    /// The rows of all files, one after the other: shards merge by concatenation.
    static func read(_ paths: [String]) throws(RowFileError) -> [TrialRow] {
        var rows: [TrialRow] = []
        for path in paths {
            guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
            for (index, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
                let bytes = [UInt8](line)
                do throws(RowError) {
                    rows.append(try TrialRow(json: bytes.span))
                } catch {
                    throw .row(path: path, line: index + 1, error)
                }
            }
        }
        guard !rows.isEmpty else { throw .empty }
        return rows
    }
}

/// How far a sweep is, on one line of a terminal that is written over; silent where standard error is none.
struct ProgressLine {
    private let total: Int
    private let isShown = isatty(STDERR_FILENO) == 1
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var shown: ContinuousClock.Instant
    private var count = 0

    init(total: Int) {
        self.total = total
        start = clock.now
        shown = start
    }

    mutating func advance(_ cell: Cell) {
        count += 1
        guard isShown, clock.now - shown > .milliseconds(100) else { return }
        shown = clock.now
        let rate = Int(Double(count) / ((shown - start) / .seconds(1)))
        let text = "\(count) of \(total) trials, \(rate) a second: \(cell.profile) \(cell.transport) \(cell.mode)"
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text.prefix(78))".utf8))
    }

    func clear() {
        if isShown { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    }
}
