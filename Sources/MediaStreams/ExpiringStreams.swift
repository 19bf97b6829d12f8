internal import QUIC
internal import Wire

/// The streams whose frames will be too old at some time, the earliest first, until the peer has acknowledged all of them.
///
/// A reset ends it for QUIC, but ngtcp2 0.12 sends bytes that it finds lost also after the reset, until that is acknowledged:
/// a frame may still come a round trip after its deadline.
struct ExpiringStreams {
    private struct Entry {
        var stream: StreamID
        var expiry: Instant
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }
    var deadline: Instant? { entries.first?.expiry }

    /// Expiries rise but for a change of settings, so the place is mostly the end.
    mutating func insert(_ stream: StreamID, expiry: Instant) {
        var index = entries.endIndex
        while index > entries.startIndex, entries[index - 1].expiry > expiry { index -= 1 }
        entries.insert(Entry(stream: stream, expiry: expiry), at: index)
    }

    /// The stream is over: mostly one of the oldest.
    mutating func remove(_ stream: StreamID) {
        if let index = entries.firstIndex(where: { $0.stream == stream }) { entries.remove(at: index) }
    }

    mutating func popExpired(now: Instant) -> StreamID? {
        guard let first = entries.first, first.expiry <= now else { return nil }
        entries.removeFirst()
        return first.stream
    }
}
