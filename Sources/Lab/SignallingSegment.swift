import Wire

/// One TCP segment of the signalling model, as a datagram of the simulated path.
///
/// The link adds the headers of IPv4 and UDP to each datagram. TCP's header with timestamps, 32 bytes (RFC 7323 appendix A),
/// is 24 longer than UDP's: what the model has to say stands in these 24, so that the segment weighs what a real one does.
struct SignallingSegment: Hashable {
    /// The flight that the payload belongs to; `nil` where a segment only acknowledges.
    var flight: UInt8?
    /// Which segment of the flight this is, of how many.
    var index: UInt8 = 0
    var count: UInt8 = 0
    /// The peer's flight that is acknowledged, where one has come.
    var acknowledgedFlight: UInt8?
    /// By index, the segments of that flight that have come.
    var received: UInt16 = 0
    /// When this segment was sent, and what the last one from the peer said of itself (RFC 7323 section 3).
    var sent: Instant
    var echo: Instant

    /// The first byte of these datagrams. RFC 9443 section 2 gives 4 to 15 to nobody, so an endpoint could not
    /// mistake it; but none ever sees it.
    static let firstByte: UInt8 = 0x0F
    static let headerByteCount = 24
    /// What Ethernet leaves for data behind the headers of IPv4 and of TCP with timestamps.
    static let maximumPayloadByteCount = Link.maximumByteCount - headerByteCount
    /// How many segments a flight may have: RFC 6928's initial window, so that no flight waits for credit.
    static let maximumCount = 10

    private static let none: UInt8 = 0xFF

    static func isSegment(_ datagram: UnsafeRawBufferPointer) -> Bool { datagram.first == firstByte }

    func header() -> [UInt8] {
        var bytes: [UInt8] = [Self.firstByte, flight ?? Self.none, index, count, acknowledgedFlight ?? Self.none, 0]
        bytes.append(bigEndian: received)
        bytes.append(bigEndian: sent.nanoseconds)
        bytes.append(bigEndian: echo.nanoseconds)
        return bytes
    }

    init(
        flight: UInt8? = nil, index: UInt8 = 0, count: UInt8 = 0, acknowledgedFlight: UInt8?, received: UInt16,
        sent: Instant, echo: Instant
    ) {
        self.flight = flight
        self.index = index
        self.count = count
        self.acknowledgedFlight = acknowledgedFlight
        self.received = received
        self.sent = sent
        self.echo = echo
    }

    init(_ reader: inout ByteReader) throws(ParseError) {
        guard try reader.readUInt8() == Self.firstByte else { throw .malformed("not a segment") }
        let flight = try reader.readUInt8()
        (index, count) = (try reader.readUInt8(), try reader.readUInt8())
        let acknowledged = try reader.readUInt8()
        try reader.skip(1)
        received = try reader.readUInt16()
        sent = Instant(nanoseconds: try reader.readUInt64())
        echo = Instant(nanoseconds: try reader.readUInt64())
        self.flight = flight == Self.none ? nil : flight
        acknowledgedFlight = acknowledged == Self.none ? nil : acknowledged
        guard flight == Self.none || (index < count && count <= Self.maximumCount) else {
            throw .malformed("a segment outside its flight")
        }
    }
}
