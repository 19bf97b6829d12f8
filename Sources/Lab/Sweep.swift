package import Opus
import Session
import Wire

/// A plan with its clips at hand: whoever has it can run any of its trials, alone and in any order.
package struct Sweep: Sendable {
    package let plan: Plan
    /// What rows name as the version that made them.
    package let commit: String
    private let clips: [String: Clip]

    /// - Precondition: `clips` holds every clip of the plan.
    package init(plan: Plan, clips: [Clip], commit: String) {
        self.plan = plan
        self.commit = commit
        self.clips = Dictionary(clips.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
}

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
    package static let transports = ["webtransport", "roq"]
    package static var modes: [String] { ReliabilityMode.allCases.map(\.rawValue) }

    /// Checks names against those that are known, each once, in the order given.
    package static func names(
        _ list: String?, kind: String, known: [String], standard: [String]
    ) throws(PlanError) -> [String] {
        guard let list else { return standard }
        var names: [String] = []
        for name in list.split(separator: ",").map({ String($0.filter { $0 != " " }) }) where !names.contains(name) {
            guard name == "all" || known.contains(name) else { throw .unknown(kind: kind, name: name, expected: known) }
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
        guard parts.count == 2, known.contains(text) else { throw .unknown(kind: "baseline", name: text, expected: known) }
        self.init(transport: parts[0], mode: parts[1])
    }
}
