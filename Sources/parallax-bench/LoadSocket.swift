internal import Glibc
internal import Wire

/// A UDP socket connected to the server under load: plain system calls, so that the load costs little.
final class LoadSocket {
    let descriptor: Int32
    let path: NetworkPath

    /// `UDP_SEGMENT` of linux/udp.h, which Glibc's module does not carry.
    private static let segmentOption: Int32 = 103

    struct Failure: Error, CustomStringConvertible {
        let operation: String
        let code: Int32
        var description: String { "\(operation): \(String(cString: strerror(code)))" }
    }

    init(serverPort: UInt16) throws {
        let handle = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        descriptor = handle
        guard handle >= 0 else { throw Failure(operation: "socket", code: errno) }
        var size: Int32 = 4 << 20
        setsockopt(handle, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        var server = sockaddr_in()
        server.sin_family = sa_family_t(AF_INET)
        server.sin_port = serverPort.bigEndian
        server.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let connected = withUnsafePointer(to: &server) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(handle, $0, length) }
        }
        var own = sockaddr_in()
        var ownLength = length
        let named = withUnsafeMutablePointer(to: &own) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(handle, $0, &ownLength) }
        }
        path = NetworkPath(
            local: PeerAddress(ipv4: 127, 0, 0, 1, port: UInt16(bigEndian: own.sin_port)),
            remote: PeerAddress(ipv4: 127, 0, 0, 1, port: serverPort))
        guard connected == 0, named == 0 else { throw Failure(operation: "connect", code: errno) }
    }

    deinit { close(descriptor) }

    /// Sends `bytes` as datagrams of `segmentByteCount` each in one call, or as one datagram.
    /// A full buffer loses them, as a network would.
    func send(_ bytes: UnsafeMutableRawBufferPointer, segmentByteCount: Int?) {
        guard let segmentByteCount, segmentByteCount < bytes.count else {
            _ = Glibc.send(descriptor, bytes.baseAddress, bytes.count, 0)
            return
        }
        var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
        // One cmsghdr (16 bytes) and a 16-bit size, padded to 8.
        var control: (UInt, Int32, Int32, UInt) = (18, Int32(IPPROTO_UDP), Self.segmentOption, UInt(segmentByteCount))
        withUnsafeMutablePointer(to: &vector) { vectorPointer in
            withUnsafeMutableBytes(of: &control) { controlBytes in
                var message = msghdr()
                message.msg_iov = vectorPointer
                message.msg_iovlen = 1
                message.msg_control = controlBytes.baseAddress
                message.msg_controllen = controlBytes.count
                _ = sendmsg(descriptor, &message, 0)
            }
        }
    }

    /// The next datagram's length, or `nil` when there is none now.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        return count >= 0 ? count : nil
    }
}

/// The monotonic clock, as `Instant`.
func monotonicNow() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
}
