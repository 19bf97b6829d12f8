package import Opus
import Session

/// Names on a command line that mean nothing. `description` is one line with what was expected.
package enum PlanError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknown(kind: String, name: String, expected: [String])
    case empty(kind: String)
    case shard(String)

    package var description: String {
        switch self {
        case .unknown(let kind, let name, let expected):
            "there is no \(kind) '\(name)'; expected one of: \(expected.joined(separator: ", "))"
        case .empty(let kind): "no \(kind) is named"
        case .shard(let text): "'\(text)' is no shard; expected i/n with i from 1 to n, as in 2/4"
        }
    }
}

extension Plan {
    /// The transports that trials can run over.
    package static let transports = TrialTransport.allCases.map(\.rawValue)
    package static var modes: [String] { ReliabilityMode.allCases.map(\.rawValue) }

    /// How clips are to be encoded for these modes.
    package static func clipSettings(modes: String?) -> ClipSettings {
        var settings = ClipSettings()
        let fec = ReliabilityMode.fec.rawValue
        settings.makesProtectedFrames = (try? names(modes, kind: "mode", known: Self.modes, standard: Self.modes))?.contains(fec) ?? false
        return settings
    }

    /// The plan that a command line names; a list that is left out stands for all that is usual.
    /// - Parameter moves: transports to which sessions move in mid-prompt, perhaps with a time: each makes of each transport another.
    package init(
        seed: UInt64, transports: String?, moves: String? = nil, modes: String?, profiles: String?, clips: [Clip], trialsPerCell: Int,
        catalogue: ProfileCatalogue = .builtIn
    ) throws(PlanError) {
        self.init(
            seed: seed,
            transports: try Self.courses(transports, moves: moves),
            modes: try Self.names(modes, kind: "mode", known: Self.modes, standard: Self.modes),
            profiles: try catalogue.names(in: profiles),
            clips: clips.map(\.name), trialsPerCell: trialsPerCell)
        guard !ways.isEmpty else { throw .empty(kind: "transport that can do one of these modes") }
    }

    /// The transports of a list, each followed by its moves.
    private static func courses(_ list: String?, moves: String?) throws(PlanError) -> [String] {
        func isCourse(_ name: String) -> Bool { TrialCourse(name) != nil }
        let transports = try names(list, kind: "transport", known: Self.transports, standard: Self.transports, isKnown: isCourse)
        guard let moves else { return transports }
        let known = Self.transports
        let targets = try names(moves, kind: "transport to switch to", known: known, standard: known) { TrialCourse.Move($0) != nil }
        var courses: [String] = []
        for transport in transports.compactMap({ TrialCourse($0) }) {
            var own = [transport]
            if transport.move == nil { own += targets.compactMap { TrialCourse.Move($0) }.map { TrialCourse(first: transport.first, move: $0) } }
            for name in own.map(\.name) where !courses.contains(name) { courses.append(name) }
        }
        return courses
    }

    /// Checks names against those that are known, each once, in the order given.
    package static func names(
        _ list: String?, kind: String, known: [String], standard: [String], isKnown: (String) -> Bool = { _ in false }
    ) throws(PlanError) -> [String] {
        guard let list else { return standard }
        var names: [String] = []
        for name in list.split(separator: ",").map({ String($0.filter { $0 != " " }) }) where !names.contains(name) {
            guard name == "all" || known.contains(name) || isKnown(name) else { throw .unknown(kind: kind, name: name, expected: known) }
            if name == "all" { return known }
            names.append(name)
        }
        guard !names.isEmpty else { throw .empty(kind: kind) }
        return names
    }
}

extension Share {
    /// The share that `i/n` names, counted from 1.
    package init(shard text: String) throws(PlanError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let index = parts[0], let count = parts[1], count >= 1, (1...count).contains(index) else {
            throw .shard(text)
        }
        self = Share.whole.share(index - 1, of: count)
    }
}

extension Baseline {
    /// The baseline that `transport/mode` names.
    package init(_ text: String) throws(PlanError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let known = Plan.transports.flatMap { transport in Plan.modes.map { "\(transport)/\($0)" } }
        guard parts.count == 2, TrialCourse(parts[0]) != nil, Plan.modes.contains(parts[1]) else { throw .unknown(kind: "baseline", name: text, expected: known) }
        self.init(transport: parts[0], mode: parts[1])
    }
}
