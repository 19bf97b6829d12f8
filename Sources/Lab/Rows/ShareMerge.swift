/// Puts the rows of several workers back into the plan's order while they come in.
///
/// Worker k of n runs trials k, k+n, k+2n, …: so the next row is always the next of the next worker, and nothing is
/// sorted or waited for longer than needed.
package struct ShareMerge<Row> {
    private var waiting: [BoundlessQueue]
    private var next = 0

    private struct BoundlessQueue {
        var rows: [Row] = []
        var head = 0
    }

    package init(workers: Int) { waiting = Array(repeating: BoundlessQueue(), count: workers) }

    /// Takes a worker's next row.
    package mutating func append(_ row: Row, from worker: Int) { waiting[worker].rows.append(row) }

    /// The next row of the plan, if it is there.
    package mutating func popFirst() -> Row? {
        guard waiting[next].head < waiting[next].rows.count else { return nil }
        let row = waiting[next].rows[waiting[next].head]
        waiting[next].head += 1
        if waiting[next].head == waiting[next].rows.count { waiting[next] = BoundlessQueue() }
        next = (next + 1) % waiting.count
        return row
    }
}
