internal import Glibc

/// A WebRTC call placed by plain HTTP on loopback, in blocking system calls: set-up that is not measured.
struct CallRequest {
    let offer: String

    enum Failure: Error, CustomStringConvertible {
        case unreachable(errno: Int32)
        case refused(String)

        var description: String {
            switch self {
            case .unreachable(let code): "the call reached no server: \(String(cString: strerror(code)))"
            case .refused(let answer): "the server did not answer the call: \(answer)"
            }
        }
    }

    /// - Returns: the answer's SDP.
    func send(toPort port: UInt16) throws -> String {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard handle >= 0 else { throw Failure.unreachable(errno: errno) }
        defer { close(handle) }
        var server = sockaddr_in()
        server.sin_family = sa_family_t(AF_INET)
        server.sin_port = port.bigEndian
        server.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &server) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure.unreachable(errno: errno) }
        try write(text(port: port), to: handle)
        let answer = try readAll(handle)
        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1)
        guard answer.hasPrefix("HTTP/1.1 201 "), parts.count == 2 else { throw Failure.refused(answer) }
        return String(parts[1])
    }

    private func text(port: UInt16) -> String {
        """
        POST /v1/realtime/calls HTTP/1.1\r
        Host: 127.0.0.1:\(port)\r
        Content-Type: application/sdp\r
        Content-Length: \(offer.utf8.count)\r
        Connection: close\r
        \r
        \(offer)
        """
    }

    private func write(_ text: String, to handle: Int32) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(handle, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure.unreachable(errno: errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// All that comes until the server closes.
    private func readAll(_ handle: Int32) throws -> String {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = part.withUnsafeMutableBytes { recv(handle, $0.baseAddress, $0.count, 0) }
            guard count >= 0 else { throw Failure.unreachable(errno: errno) }
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
        }
    }
}
