internal import Foundation
internal import Lab
internal import Report
internal import Server

/// Where the rows and the summary of a sweep go: files, where a directory is named, and standard output.
///
/// What cannot be written is told at once and again at the end, and costs nothing but itself: the sweep goes on, and the
/// table is shown.
final class CompareOutput {
    private let directory: OutputDirectory?
    private let trials: RowFile?
    /// What could not be written first.
    private(set) var failure: OutputError?

    /// Makes the directory and an empty `trials.jsonl` in it.
    init(directory path: String?) throws(CommandFailure) {
        do throws(OutputError) {
            directory = try path.map { path throws(OutputError) in try OutputDirectory(path: path) }
            trials = try directory?.rows("trials.jsonl")
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Where the rows stand, if they stand anywhere.
    var rowsPath: String? { trials?.path }

    /// Adds a row to `trials.jsonl`, so that an interrupted sweep keeps what it has.
    func write(_ row: TrialRow) {
        trials?.append(row.json)
        if let failure = trials?.failure { keep(failure) }
    }

    /// Writes a file whole, where there is a directory.
    func write(_ text: String, to name: String) {
        do throws(OutputError) {
            try directory?.write(text, to: name)
        } catch {
            keep(error)
        }
    }

    /// - Throws: what could not be written.
    func finish() throws(CommandFailure) {
        trials?.finish()
        if let failure = trials?.failure { keep(failure) }
        if let failure { throw CommandFailure(failure) }
    }

    private func keep(_ error: OutputError) {
        guard failure == nil else { return }
        failure = error
        let start = isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" : ""
        FileHandle.standardError.write(Data("\(start)\(error); the sweep goes on without it\n".utf8))
    }

    /// Writes `summary.csv` and `report.html`, and prints the table, or the summary as JSON.
    func summarise(_ rows: [TrialRow], baseline: Baseline?, asJSON: Bool, report: ReportFile) {
        guard !rows.isEmpty else { return }
        let baseline = baseline ?? Baseline(transport: rows[0].transport, mode: rows[0].mode)
        let pooled = CellSummary.cells(of: rows, baseline: baseline, poolsClips: true)
        let cells = CellSummary.cells(of: rows, baseline: baseline) + pooled
        write(CellSummary.csv(cells), to: "summary.csv")
        let agreement = Agreement(rows)
        if let agreement { write(agreement.csv, to: "agreement.csv") }
        if asJSON {
            print(CellSummary.json(cells))
        } else if let agreement {
            printTable(of: agreement)
        } else {
            printTable(of: rows, cells: pooled)
        }
        if let directory {
            let note = write(report, of: rows, summaries: pooled, to: directory)
            // Standard output is the summary's where a program reads it.
            if asJSON { FileHandle.standardError.write(Data((note + "\n").utf8)) } else { print(note) }
        }
    }

    /// Writes `report.html` again, with what was found out after the summary.
    func extendReport(_ report: ReportFile, of rows: [TrialRow], baseline: Baseline?, sections: [ReportSection]) {
        guard directory != nil, !rows.isEmpty, !sections.isEmpty else { return }
        let baseline = baseline ?? Baseline(transport: rows[0].transport, mode: rows[0].mode)
        let pooled = CellSummary.cells(of: rows, baseline: baseline, poolsClips: true)
        // Where there is nothing to draw with, the summary has said so.
        if let page = try? report.page(of: rows, summaries: pooled, sections: sections) { write(page, to: "report.html") }
    }

    /// Both worlds side by side: what each says of the transports, the files tell.
    private func printTable(of agreement: Agreement) {
        let style = TerminalStyle(descriptor: STDOUT_FILENO, environment: Environment.variables)
        agreement.table(usesStyle: style.isColoured).forEach { print($0) }
        print("")
        Agreement.reading.forEach { print(style.paint($0, .faint)) }
        print(agreement.verdict)
        if let directory, failure == nil {
            let (rows, table) = (directory.path(of: "trials.jsonl"), directory.path(of: "agreement.csv"))
            print("rows: \(rows)   this table: \(table)   cells: \(directory.path(of: "summary.csv"))")
        }
    }

    /// - Returns: one line on what was done.
    private func write(_ report: ReportFile, of rows: [TrialRow], summaries: [CellSummary], to directory: OutputDirectory) -> String {
        let (name, path) = ("report.html", directory.path(of: "report.html"))
        do throws(ChartLibraryFile.Missing) {
            write(try report.page(of: rows, summaries: summaries), to: name)
            return "report: \(path)"
        } catch {
            return "\(path) was not written: \(error.description)"
        }
    }

    private func printTable(of rows: [TrialRow], cells: [CellSummary]) {
        let style = TerminalStyle(descriptor: STDOUT_FILENO, environment: Environment.variables)
        let table = SummaryTable(cells, usesStyle: style.isColoured)
        table.lines().forEach { print($0) }
        print("")
        table.reading.forEach { print(style.paint($0, .faint)) }
        let unfinished = rows.filter { $0.end != TrialRow.completedEnd }
        for (end, count) in Dictionary(grouping: unfinished, by: \.end).mapValues(\.count).sorted(by: { $0.key < $1.key }) {
            print("\(count) of \(rows.count) trials did not come to their end: \(end)")
        }
        if let directory, failure == nil {
            let (rows, cells) = (directory.path(of: "trials.jsonl"), directory.path(of: "summary.csv"))
            print("rows: \(rows)   cells, intervals, differences: \(cells)")
        }
    }
}

/// Why rows could not be read. `description` is one line.
enum RowFileError: Error, CustomStringConvertible {
    case unreadable(path: String)
    case row(path: String, line: Int, RowError)
    case twice(path: String, line: Int)
    case empty

    var description: String {
        switch self {
        case .unreadable(let path): "cannot read \(path); name a trials.jsonl that 'parallax compare --out' wrote"
        case .row(let path, let line, let error): "\(path), line \(line): \(error)"
        case .twice(let path, let line): "\(path), line \(line): this trial's row stood before; name every shard once"
        case .empty: "the files hold no rows"
        }
    }
}

enum RowFiles {
    /// The rows of all files, in the order of the plan: shards merge by concatenation, in any order.
    static func read(_ paths: [String]) throws(RowFileError) -> [TrialRow] {
        var rows: [TrialRow] = []
        var known: Set<Trial> = []
        for path in paths {
            guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
            for (index, line) in data.split(separator: UInt8(ascii: "\n")).enumerated() {
                let bytes = [UInt8](line)
                do throws(RowError) {
                    rows.append(try TrialRow(json: bytes.span))
                } catch {
                    throw .row(path: path, line: index + 1, error)
                }
                let isNew = rows.last.map { known.insert(Trial(cell: $0.cell, number: $0.trial, seed: $0.seed)).inserted }
                guard isNew ?? true else { throw .twice(path: path, line: index + 1) }
            }
        }
        guard !rows.isEmpty else { throw .empty }
        return rows.inPlanOrder()
    }

    /// What no two rows share.
    private struct Trial: Hashable {
        var cell: Cell
        var number: Int
        var seed: Int
    }
}

extension CommandFailure {
    init(_ error: OutputError) { self.init(code: error.code, description: error.description) }
}
