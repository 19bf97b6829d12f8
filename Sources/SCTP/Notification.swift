internal import CUsrsctp

/// The notifications of RFC 6458 section 6.1 that are subscribed to.
enum Notification {
    /// The streams that both ends agreed on are known once the association is up.
    case associationChange(state: Int32, outgoingStreamCount: UInt16)
    case streamReset(flags: Int32, streams: [UInt16])
    case partialDeliveryAborted(stream: UInt16)

    /// - Parameter bytes: a structure of usrsctp's, in the machine's byte order.
    init?(_ bytes: [UInt8]) {
        func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value? {
            guard offset + MemoryLayout<Value>.size <= bytes.count else { return nil }
            return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
        }
        // Each begins with a type of two bytes, flags of two, a length of four.
        guard let type = load(UInt16.self, at: 0), let flags = load(UInt16.self, at: 2) else { return nil }
        switch Int32(type) {
        case SCTP_ASSOC_CHANGE:
            guard let state = load(UInt16.self, at: 8), let count = load(UInt16.self, at: 12) else { return nil }
            self = .associationChange(state: Int32(state), outgoingStreamCount: count)
        case SCTP_STREAM_RESET_EVENT:
            // After the association's identifier comes a list to the end.
            self = .streamReset(
                flags: Int32(flags), streams: stride(from: 12, to: bytes.count - 1, by: 2).compactMap { load(UInt16.self, at: $0) })
        case SCTP_PARTIAL_DELIVERY_EVENT:
            guard let stream = load(UInt32.self, at: 12) else { return nil }
            self = .partialDeliveryAborted(stream: UInt16(truncatingIfNeeded: stream))
        default: return nil
        }
    }
}
