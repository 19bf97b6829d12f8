internal import Foundation
internal import Lab
internal import Report

/// Makes `report.html`, where there is a charting library to draw with.
struct ReportFile {
    private let library: ChartLibraryFile
    private let seed: UInt64?
    private let networks: ProfileCatalogue
    private let started = Date.now

    /// - Parameters:
    ///   - charts: the library's file, where the user names one.
    ///   - seed: the sweep's; `nil` where rows come from files.
    ///   - networks: what the profiles' names stand for.
    init(charts: String?, seed: UInt64?, networks: ProfileCatalogue) {
        library = ChartLibraryFile(path: charts)
        self.seed = seed
        self.networks = networks
    }

    /// The report's text.
    /// - Throws: what to do where there is nothing to draw with.
    func page(
        of rows: [TrialRow], summaries: [CellSummary], sections: [ReportSection] = []
    ) throws(ChartLibraryFile.Missing) -> String {
        let charts = try library.read()
        return Report(
            rows, summaries: summaries, repetition: repetition(charts), networks: networks, sections: sections
        ).html(charts)
    }

    private func repetition(_ charts: ChartLibrary) -> Repetition {
        Repetition(
            command: Machine.commandLine, seed: seed,
            circumstances: [
                .init(name: "begun", value: started.formatted(.iso8601)),
                .init(name: "took", value: String(format: "%.0f s", Date.now.timeIntervalSince(started))),
                .init(name: "libraries", value: Machine.libraries.joined(separator: ", ")),
                .init(name: "charts", value: charts.version),
                .init(name: "system", value: Machine.system),
                .init(name: "processor", value: Machine.processor),
            ])
    }
}

/// Where plotly.js lies: where the user says, else where the environment says, else in `.venv` as `make charts` leaves it.
struct ChartLibraryFile {
    private let path: String?

    /// The environment's word for it.
    static let variable = "PARALLAX_CHARTS"

    /// Why there is none. `description` says what to do.
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    init(path: String?) { self.path = path ?? Environment.variables[Self.variable] }

    func read() throws(Missing) -> ChartLibrary {
        guard let path = path ?? Self.installed else {
            throw Missing(description: "there is no plotly.min.js; 'make charts' installs it, or name it by --charts or \(Self.variable)")
        }
        guard let data = FileManager.default.contents(atPath: path), let script = String(data: data, encoding: .utf8) else {
            throw Missing(description: "cannot read \(path); name another plotly.min.js by --charts")
        }
        do {
            return try ChartLibrary(script: script, licence: Self.licence(beside: path))
        } catch {
            throw Missing(description: "\(path) is of no use: \(error)")
        }
    }

    /// The file in the `.venv` of this directory, or of the checkout that this program was built in.
    private static var installed: String? {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        var places = [URL(filePath: FileManager.default.currentDirectoryPath)]
        // .build/<platform>/<configuration>/parallax
        places.append(program.deletingLastPathComponent().appending(path: "../../..").standardizedFileURL)
        for place in places {
            let libraries = place.appending(path: ".venv/lib")
            for python in contents(of: libraries).filter({ $0.hasPrefix("python") }).sorted() {
                let file = libraries.appending(path: "\(python)/site-packages/plotly/package_data/plotly.min.js").path
                if FileManager.default.isReadableFile(atPath: file) { return file }
            }
        }
        return nil
    }

    /// The licence that the Python package carries, where the file lies in one; else the file named LICENSE beside it.
    private static func licence(beside path: String) -> String {
        let directory = URL(filePath: path).deletingLastPathComponent()
        let site = directory.appending(path: "../..").standardizedFileURL
        let packages = contents(of: site).filter { $0.hasPrefix("plotly-") && $0.hasSuffix(".dist-info") }.sorted()
        let files = packages.map { site.appending(path: "\($0)/licenses/LICENSE.txt") } + [directory.appending(path: "LICENSE")]
        return files.lazy.compactMap { try? String(contentsOf: $0, encoding: .utf8) }.first ?? ""
    }

    private static func contents(of directory: URL) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    }
}
