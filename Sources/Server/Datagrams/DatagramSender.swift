internal import Glibc
internal import Wire

/// Sends what an endpoint wrote, one system call a burst: ECN, source address and segment size go along as control
/// messages. Not even an envelope is allocated.
struct DatagramSender {
    /// What became of a burst.
    enum Outcome: Equatable {
        case sent
        /// The kernel's buffer is full: nothing was sent, try again when the socket is writable.
        case blocked
        /// The kernel refuses this datagram and would refuse it again: it is lost, as a network loses.
        case lost(code: Int32)
    }

    private let descriptor: Int32
    private let isIPv6: Bool
    /// Whether the source address must be named, because the socket is bound to all of them.
    private let namesSource: Bool
    /// Segmentation by the kernel (GSO), until it once refused.
    private(set) var isSegmentationAvailable = true

    // Constants of linux/udp.h and linux/in6.h that Glibc's module does not carry.
    private static let udpSegment: Int32 = 103
    private static let ipv6PacketInfo: Int32 = 50

    init(socket: UDPSocket) {
        descriptor = socket.descriptor
        isIPv6 = socket.isIPv6
        namesSource = socket.local.isWildcard
    }

    /// Sends `bytes` as `transmit` says. Where the kernel cannot segment, each datagram takes a call of its own.
    mutating func send(_ bytes: UnsafeMutableRawBufferPointer, as transmit: Transmit) -> Outcome {
        guard let segment = transmit.segmentByteCount, segment > 0, segment < bytes.count else {
            return sendOne(bytes, transmit, segmentByteCount: nil)
        }
        if isSegmentationAvailable {
            let outcome = sendOne(bytes, transmit, segmentByteCount: segment)
            // EIO: the device cannot; EINVAL: the kernel does not know the option, or the path is too narrow.
            guard case .lost(let code) = outcome, code == EIO || code == EINVAL else { return outcome }
            isSegmentationAvailable = false
        }
        var last = Outcome.sent
        for start in stride(from: 0, to: bytes.count, by: segment) {
            let part = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<min(start + segment, bytes.count)])
            last = sendOne(part, transmit, segmentByteCount: nil)
        }
        // The rest of a burst is lost when the buffer fills in its midst: sending it twice would be worse.
        return last == .blocked ? .sent : last
    }

    private func sendOne(
        _ bytes: UnsafeMutableRawBufferPointer, _ transmit: Transmit, segmentByteCount: Int?
    ) -> Outcome {
        var control = ControlMessages()
        let isMappedIPv4 = transmit.path.remote.ipv4 != nil
        if transmit.ecn != .notCapable {
            if isMappedIPv4 {
                control.append(level: Int32(IPPROTO_IP), type: IP_TOS, Int32(transmit.ecn.rawValue))
            } else {
                control.append(level: Int32(IPPROTO_IPV6), type: IPV6_TCLASS, Int32(transmit.ecn.rawValue))
            }
        }
        if let segmentByteCount {
            control.append(level: Int32(IPPROTO_UDP), type: Self.udpSegment, UInt16(truncatingIfNeeded: segmentByteCount))
        }
        if namesSource, !transmit.path.local.isWildcard {
            appendSource(transmit.path.local, to: &control)
        }
        return withDestination(transmit.path.remote) { name, nameLength in
            var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
            return withUnsafeMutablePointer(to: &vector) { vectorPointer in
                control.withBytes { controlBytes in
                    var message = msghdr()
                    message.msg_name = name
                    message.msg_namelen = nameLength
                    message.msg_iov = vectorPointer
                    message.msg_iovlen = 1
                    message.msg_control = controlBytes.baseAddress
                    message.msg_controllen = controlBytes.count
                    return submit(&message)
                }
            }
        }
    }

    private func submit(_ message: inout msghdr) -> Outcome {
        while sendmsg(descriptor, &message, 0) < 0 {
            switch errno {
            case EINTR: continue
            case EAGAIN: return .blocked
            case let code: return .lost(code: code)
            }
        }
        return .sent
    }

    private func withDestination(
        _ address: PeerAddress, _ body: (UnsafeMutableRawPointer?, socklen_t) -> Outcome
    ) -> Outcome {
        if isIPv6 {
            var name = address.socketAddressIPv6
            return withUnsafeMutableBytes(of: &name) { body($0.baseAddress, socklen_t($0.count)) }
        }
        guard var name = address.socketAddressIPv4 else { return .lost(code: EAFNOSUPPORT) }
        return withUnsafeMutableBytes(of: &name) { body($0.baseAddress, socklen_t($0.count)) }
    }

    private func appendSource(_ source: PeerAddress, to control: inout ControlMessages) {
        if let ipv4 = source.ipv4 {
            // in_pktinfo: interface 0 (by the routing table), the source, and a field for the receiving side.
            control.append(level: Int32(IPPROTO_IP), type: IP_PKTINFO, (Int32(0), ipv4.bigEndian, UInt32(0)))
        } else {
            control.append(
                level: Int32(IPPROTO_IPV6), type: Self.ipv6PacketInfo, (source.high.bigEndian, source.low.bigEndian, UInt32(0)))
        }
    }
}

/// Room for the control messages of one call, laid out as cmsg(3) says: a header of 16 bytes, the payload, padding to 8.
private struct ControlMessages {
    private var storage: (UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt, UInt) = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    private var byteCount = 0

    /// - Precondition: the payload has no padding inside, and all messages of a call fit into 96 bytes.
    mutating func append<Payload: BitwiseCopyable>(level: Int32, type: Int32, _ payload: Payload) {
        let headerByteCount = 16
        let start = byteCount
        let length = headerByteCount + MemoryLayout<Payload>.size
        byteCount += (length + 7) & ~7
        withUnsafeMutableBytes(of: &storage) { bytes in
            precondition(start + ((length + 7) & ~7) <= bytes.count, "no room for another control message")
            bytes.storeBytes(of: UInt(length), toByteOffset: start, as: UInt.self)
            bytes.storeBytes(of: level, toByteOffset: start + 8, as: Int32.self)
            bytes.storeBytes(of: type, toByteOffset: start + 12, as: Int32.self)
            bytes.storeBytes(of: payload, toByteOffset: start + headerByteCount, as: Payload.self)
        }
    }

    mutating func withBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
        let count = byteCount
        return withUnsafeMutableBytes(of: &storage) { body(UnsafeMutableRawBufferPointer(rebasing: $0[..<count])) }
    }
}
