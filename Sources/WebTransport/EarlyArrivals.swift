internal import Framing
internal import QUIC
internal import Wire

/// What a client sent for a session before it was accepted, within limits (draft-ietf-webtrans-http3-16 section 4.6).
struct EarlyArrivals {
    struct Piece {
        var stream: StreamID
        var bytes: [UInt8]
        var isFinal: Bool
    }

    private var pieces: [Piece] = []
    private var streams: Set<StreamID> = []
    private var byteCount = 0
    private var datagrams: BoundedQueue<[UInt8]>
    private let limits: WebTransportLimits

    init(limits: WebTransportLimits) {
        self.limits = limits
        datagrams = BoundedQueue(limit: limits.earlyDatagrams)
    }

    enum Outcome {
        case kept
        /// The stream is to be rejected.
        case overLimit
        /// The stream names what can never be a session.
        case ofNoSession
    }

    /// Keeps a piece of a stream within the limits.
    mutating func append(_ piece: Piece) -> Outcome {
        let isNew = !streams.contains(piece.stream)
        var reader = ByteReader(piece.bytes.span)
        if isNew, let session = try? reader.readVarInt(), !WebTransportStreamHeader.isSessionID(session) { return .ofNoSession }
        guard byteCount + piece.bytes.count <= limits.earlyStreamByteCount, !isNew || streams.count < limits.earlyStreams else {
            forget(piece.stream)
            return .overLimit
        }
        streams.insert(piece.stream)
        byteCount += piece.bytes.count
        pieces.append(piece)
        return .kept
    }

    /// Keeps a datagram; over the limit it is dropped, as the network might have.
    mutating func append(datagram: [UInt8]) { datagrams.append(datagram) }

    mutating func forget(_ stream: StreamID) {
        guard streams.remove(stream) != nil else { return }
        pieces.removeAll { $0.stream == stream }
        byteCount = pieces.reduce(0) { $0 + $1.bytes.count }
    }

    mutating func takePieces() -> [Piece] {
        defer {
            pieces = []
            streams = []
            byteCount = 0
        }
        return pieces
    }

    mutating func popDatagram() -> [UInt8]? { datagrams.popFirst() }
}
