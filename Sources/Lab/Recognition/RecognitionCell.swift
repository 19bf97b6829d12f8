import Wire

/// The words of a cell's trials, over all clips.
package struct RecognitionCell: Hashable, Sendable {
    /// Its clip is `*`.
    package let cell: Cell
    package private(set) var trials = 0
    /// Trials whose text is another than that of the undamaged codec output.
    package private(set) var changed = 0
    package private(set) var heard = WordErrors()
    /// The same trials without a network.
    package private(set) var codec = WordErrors()
    /// The same trials without network and codec.
    package private(set) var recording = WordErrors()
    /// The 95 % bootstrap interval of the word error rate, over trials.
    package private(set) var rateInterval: Interval?

    package var changedShare: Proportion { Proportion(successes: changed, trials: trials) }

    init(_ cell: Cell, outcomes: [RecognitionOutcome], bootstrap: Bootstrap = Bootstrap()) {
        self.cell = cell
        trials = outcomes.count
        changed = outcomes.count(where: \.isChanged)
        for outcome in outcomes {
            heard.add(outcome.heard)
            codec.add(outcome.codec)
            recording.add(outcome.recording)
        }
        let known = outcomes.compactMap(\.heard)
        rateInterval = bootstrap.ratioInterval(of: known.map { (Double($0.errors), Double($0.wordCount)) })
    }
}

/// Errors added up.
package struct WordErrors: Hashable, Sendable {
    package private(set) var words = 0
    package private(set) var substitutions = 0
    package private(set) var deletions = 0
    package private(set) var insertions = 0
    package private(set) var numbers = 0
    package private(set) var numbersWrong = 0

    /// Word error rate: errors for each word that was said; `nil` where nothing is known to have been said.
    package var rate: Double? {
        words == 0 ? nil : Double(substitutions + deletions + insertions) / Double(words)
    }

    mutating func add(_ alignment: WordAlignment?) {
        guard let alignment else { return }
        words += alignment.wordCount
        substitutions += alignment.substitutions
        deletions += alignment.deletions
        insertions += alignment.insertions
        numbers += alignment.numberCount
        numbersWrong += alignment.numbersWrong
    }
}

extension Recognition {
    /// The cells of all trials whose texts are known, in the order in which they first come.
    package func cells() -> [RecognitionCell] {
        var order: [Cell] = []
        var outcomes: [Cell: [RecognitionOutcome]] = [:]
        for trial in trials.sorted(by: { $0.row.planIndex < $1.row.planIndex }) {
            guard let outcome = outcome(of: trial) else { continue }
            var cell = trial.row.cell
            cell.clip = "*"
            if outcomes[cell] == nil { order.append(cell) }
            outcomes[cell, default: []].append(outcome)
        }
        return order.map { RecognitionCell($0, outcomes: outcomes[$0] ?? []) }
    }
}
