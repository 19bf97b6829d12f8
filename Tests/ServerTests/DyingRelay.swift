import Glibc
import Synchronization
import Wire

/// Stands between clients and a server on loopback, over UDP or TCP. The first connection that it carries dies when it is told: UDP's
/// packets vanish both ways, TCP's stream is reset. Later connections live.
final class DyingRelay: Sendable {
    enum Kind: Sendable { case udp, tcp }

    let port: Int
    private let kind: Kind
    private let listener: Int32
    private let server: Int
    private let mayStop = Atomic(false)
    private let isDying = Atomic(false)
    private let connections = Atomic(0)

    struct Failure: Error { let errno: Int32 }

    init(_ kind: Kind, to server: Int) throws {
        let listener = Self.socket(kind)
        var address = Self.address(port: 0)
        guard Self.with(&address, { Glibc.bind(listener, $0, $1) }) == 0 else { throw Failure(errno: errno) }
        if kind == .tcp { listen(listener, 8) }
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = Self.with(&address) { pointer, _ in getsockname(listener, pointer, &length) }
        port = Int(UInt16(bigEndian: address.sin_port))
        self.kind = kind
        self.server = server
        self.listener = listener
    }

    /// How many connections have come so far.
    var connectionCount: Int { connections.load(ordering: .relaxed) }
    func die() { isDying.store(true, ordering: .relaxed) }
    func stop() { mayStop.store(true, ordering: .relaxed) }

    private struct Link {
        let client: sockaddr_in?
        let near: Int32
        let far: Int32
        var isDead = false
    }

    /// Carries bytes until it is told to stop; on a thread that may wait.
    func run() {
        var links: [Link] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !mayStop.load(ordering: .relaxed) {
            if isDying.load(ordering: .relaxed), !links.isEmpty, !links[0].isDead { kill(&links[0]) }
            let living = links.filter { !$0.isDead }.flatMap { kind == .tcp ? [$0.near, $0.far] : [$0.far] }
            var descriptors = ([listener] + living).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&descriptors, nfds_t(descriptors.count), 10) > 0 else { continue }
            for ready in descriptors where ready.revents != 0 {
                if ready.fd == listener {
                    if kind == .tcp { accept(&links) } else { receive(&links, &buffer) }
                } else if let index = links.firstIndex(where: { !$0.isDead && ($0.near == ready.fd || $0.far == ready.fd) }) {
                    carry(ready.fd, &links[index], &buffer)
                }
            }
        }
        for link in links where !link.isDead { close(link) }
        Glibc.close(listener)
    }

    private func kill(_ link: inout Link) {
        link.isDead = true
        var reset = linger(l_onoff: 1, l_linger: 0)
        if kind == .tcp { setsockopt(link.near, SOL_SOCKET, SO_LINGER, &reset, socklen_t(MemoryLayout<linger>.size)) }
        close(link)
    }

    private func close(_ link: Link) {
        if link.near != listener { Glibc.close(link.near) }
        Glibc.close(link.far)
    }

    private func connectToServer() -> Int32 {
        let far = Self.socket(kind)
        var address = Self.address(port: server)
        _ = Self.with(&address) { Glibc.connect(far, $0, $1) }
        return far
    }

    private func accept(_ links: inout [Link]) {
        let near = Glibc.accept(listener, nil, nil)
        guard near >= 0 else { return }
        links.append(Link(client: nil, near: near, far: connectToServer()))
        connections.add(1, ordering: .relaxed)
    }

    private func receive(_ links: inout [Link], _ buffer: inout [UInt8]) {
        var client = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = Self.with(&client) { pointer, _ in recvfrom(listener, &buffer, buffer.count, 0, pointer, &length) }
        guard count >= 0 else { return }
        let known = links.firstIndex { $0.client?.sin_port == client.sin_port }
        if known == nil {
            links.append(Link(client: client, near: listener, far: connectToServer()))
            connections.add(1, ordering: .relaxed)
        }
        let link = links[known ?? links.count - 1]
        if !link.isDead { send(link.far, buffer, count, Int32(MSG_NOSIGNAL)) }
    }

    private func carry(_ descriptor: Int32, _ link: inout Link, _ buffer: inout [UInt8]) {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if kind == .udp {
            guard count > 0, var client = link.client else { return }
            _ = Self.with(&client) { sendto(listener, buffer, count, Int32(MSG_NOSIGNAL), $0, $1) }
        } else if count > 0 {
            var sent = 0
            while sent < count {
                let more = send(descriptor == link.near ? link.far : link.near, Array(buffer[sent..<count]), count - sent, Int32(MSG_NOSIGNAL))
                guard more > 0 else { break }
                sent += more
            }
        } else {
            link.isDead = true
            close(link)
        }
    }

    // MARK: Addresses

    private static func socket(_ kind: Kind) -> Int32 {
        Glibc.socket(AF_INET, Int32((kind == .udp ? SOCK_DGRAM : SOCK_STREAM).rawValue), 0)
    }

    private static func address(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func with<Result>(
        _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
