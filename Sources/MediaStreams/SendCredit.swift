/// What the peer lets us send on the streams of one session. QUIC's own flow control stands below it; only WebTransport adds
/// limits of its own (draft-ietf-webtrans-http3-16 section 5), everybody else uses `unlimited`.
package struct SendCredit: Hashable, Sendable {
    /// The most bytes after stream headers, over all streams and the session's life.
    package var maximumByteCount: UInt64
    /// The most unidirectional streams that we may have opened in the session's life.
    package var maximumUnidirectionalStreams: UInt64
    package private(set) var byteCount: UInt64 = 0
    package private(set) var unidirectionalStreams: UInt64 = 0

    package static let unlimited = SendCredit(maximumByteCount: .max, maximumUnidirectionalStreams: .max)

    package init(maximumByteCount: UInt64, maximumUnidirectionalStreams: UInt64) {
        self.maximumByteCount = maximumByteCount
        self.maximumUnidirectionalStreams = maximumUnidirectionalStreams
    }

    package func allows(byteCount more: Int) -> Bool { UInt64(more) <= maximumByteCount - min(byteCount, maximumByteCount) }
    package var allowsStream: Bool { unidirectionalStreams < maximumUnidirectionalStreams }

    package mutating func useBytes(_ count: Int) { byteCount &+= UInt64(count) }
    package mutating func useStream() { unidirectionalStreams &+= 1 }
}
