/// What was heard, held against what was said: the fewest words put in the place of others, left out and put in between
/// (Levenshtein). Where several ways are equally short, words that stand in the same order are taken for each other first.
package struct WordAlignment: Hashable, Sendable {
    package private(set) var substitutions = 0
    package private(set) var deletions = 0
    package private(set) var insertions = 0
    /// How many words were said.
    package let wordCount: Int
    /// Numbers among them.
    package let numberCount: Int
    /// Numbers that were said and not heard so, and such as were heard and not said.
    package private(set) var numbersWrong = 0

    package var errors: Int { substitutions + deletions + insertions }

    private enum Step: UInt8 {
        case match, substitution, deletion, insertion
    }

    package init(said: SpokenText, heard: SpokenText) {
        wordCount = said.words.count
        numberCount = said.words.count(where: SpokenText.isNumber)
        let steps = Self.steps(said.words, heard.words)
        let width = heard.words.count + 1
        var (row, column) = (said.words.count, heard.words.count)
        while row > 0 || column > 0 {
            let step = Step(rawValue: steps[row * width + column]) ?? .insertion
            count(step, said: row > 0 ? said.words[row - 1] : "", heard: column > 0 ? heard.words[column - 1] : "")
            if step != .insertion { row -= 1 }
            if step != .deletion { column -= 1 }
        }
    }

    private mutating func count(_ step: Step, said: String, heard: String) {
        switch step {
        case .match: return
        case .substitution:
            substitutions += 1
            if SpokenText.isNumber(said) || SpokenText.isNumber(heard) { numbersWrong += 1 }
        case .deletion:
            deletions += 1
            if SpokenText.isNumber(said) { numbersWrong += 1 }
        case .insertion:
            insertions += 1
            if SpokenText.isNumber(heard) { numbersWrong += 1 }
        }
    }

    /// The last step of the shortest way to each pair of beginnings, row by row.
    private static func steps(_ said: [String], _ heard: [String]) -> [UInt8] {
        let width = heard.count + 1
        var steps = [UInt8](repeating: Step.insertion.rawValue, count: (said.count + 1) * width)
        var above = Array(0...heard.count)
        for (row, word) in said.enumerated() {
            var line = [row + 1]
            line.reserveCapacity(width)
            steps[(row + 1) * width] = Step.deletion.rawValue
            for (column, other) in heard.enumerated() {
                let isEqual = word == other
                let across = above[column] + (isEqual ? 0 : 1)
                let down = above[column + 1] + 1, along = line[column] + 1
                let least = min(across, down, along)
                line.append(least)
                let step: Step = least == across ? (isEqual ? .match : .substitution) : least == down ? .deletion : .insertion
                steps[(row + 1) * width + column + 1] = step.rawValue
            }
            above = line
        }
        return steps
    }
}
