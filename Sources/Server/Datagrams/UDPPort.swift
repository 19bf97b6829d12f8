internal import Glibc
internal import NIOCore
package import Wire

/// What a socket driver can drive: the verbs of every endpoint in this package. Each call may change what `deadline`
/// says and what `pollTransmit` has to give.
package protocol DatagramEndpoint: SendableMetatype {
    /// Hands over one datagram. The bytes are lent for this call.
    func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, ecn: ECN, now: Instant)
    /// Does what was due at `deadline`.
    func handleTimeout(now: Instant)
    /// When `handleTimeout` is wanted; `nil` while nothing is awaited.
    var deadline: Instant? { get }
    /// Writes the next datagram, or several of equal size to one peer; `nil` when there is nothing to send now.
    func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit?
    /// The peer's machine says that nothing listens on the port. Only connected sockets learn it.
    func peerRefused(now: Instant)
}

extension DatagramEndpoint {
    package func peerRefused(now: Instant) {}
}

/// The way through the driver, one turn of the event loop at a time:
/// read a burst → `endpoint.receive` each → what is due → poll and send → sleep until the next deadline.
///
/// One endpoint, one socket, one event loop; nothing here is shared with another thread.
final class UDPPort<Endpoint: DatagramEndpoint>: ChannelInboundHandler, NIOScheduledCallbackHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let endpoint: Endpoint
    private let local: PeerAddress
    private let isIPv6: Bool
    private var sender: DatagramSender
    private let limits: DriverLimits
    private let buffer: UnsafeMutableRawBufferPointer
    private var context: ChannelHandlerContext?
    /// The time of this burst of datagrams, read once; `nil` between bursts.
    private var burstTime: Instant?
    private var timer: (callback: NIOScheduledCallback, time: Instant)?
    private var sending = Sending.ready
    /// Told after every turn, so that the owner can collect notices.
    private let afterTurn: (Endpoint, Instant) -> Void

    private enum Sending {
        case ready
        /// More to send, in a turn of its own so that reading is not starved.
        case continues
        /// The kernel's buffer is full; SwiftNIO holds one burst and waits for room.
        case blocked
    }

    private(set) var counters = DriverCounters()

    init(endpoint: Endpoint, socket: UDPSocket, limits: DriverLimits, afterTurn: @escaping (Endpoint, Instant) -> Void) {
        self.endpoint = endpoint
        self.local = socket.local
        self.isIPv6 = socket.isIPv6
        self.sender = DatagramSender(socket: socket)
        self.limits = limits
        self.afterTurn = afterTurn
        // The most that one call may carry: 64 KiB, also with segmentation.
        buffer = .allocate(byteCount: 65_535, alignment: 16)
    }

    deinit { buffer.deallocate() }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let remote = PeerAddress(envelope.remoteAddress) else { return }
        let now = burstTime ?? SystemClock.now()
        burstTime = now
        counters.datagramsReceived &+= 1
        let path = NetworkPath(local: localAddress(envelope.metadata), remote: remote)
        let ecn = ECN(envelope.metadata?.ecnState)
        envelope.data.withUnsafeReadableBytes { endpoint.receive($0, path: path, ecn: ecn, now: now) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        let now = burstTime ?? SystemClock.now()
        burstTime = nil
        finishTurn(now: now)
    }

    /// The address that the peer sent to: answers leave from there.
    private func localAddress(_ metadata: AddressedEnvelope<ByteBuffer>.Metadata?) -> PeerAddress {
        guard let hit = metadata?.packetInfo?.destinationAddress, var address = PeerAddress(hit) else { return local }
        address.port = local.port
        return address
    }

    // MARK: Sending

    /// Ends a turn after the endpoint was given something: fires what is due, sends, and sets the timer.
    func finishTurn(now: Instant) {
        if let deadline = endpoint.deadline, deadline <= now { endpoint.handleTimeout(now: now) }
        if case .ready = sending { sendBurst(now: now) }
        afterTurn(endpoint, now)
        schedule(now: now)
    }

    private func sendBurst(now: Instant) {
        for _ in 0..<limits.transmitsPerTurn {
            guard let transmit = endpoint.pollTransmit(into: buffer, now: now) else { return }
            counters.transmits &+= 1
            let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<transmit.byteCount])
            switch sender.send(bytes, as: transmit) {
            case .sent: continue
            case .lost(let code):
                counters.datagramsRefused &+= 1
                if code == ECONNREFUSED { endpoint.peerRefused(now: now) }
            case .blocked: return waitForRoom(bytes, transmit)
            }
        }
        guard let context else { return }
        sending = .continues
        let port = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { port.value.resume() }
    }

    private func resume() {
        guard context != nil else { return }
        sending = .ready
        finishTurn(now: SystemClock.now())
    }

    /// Leaves one burst to SwiftNIO, which knows how to wait for a writable socket.
    private func waitForRoom(_ bytes: UnsafeMutableRawBufferPointer, _ transmit: Transmit) {
        guard let context, let remote = SocketAddress(transmit.path.remote, isIPv6: isIPv6) else { return }
        counters.blockedSends &+= 1
        sending = .blocked
        let segment = sender.isSegmentationAvailable ? transmit.segmentByteCount : nil
        let envelope = AddressedEnvelope(
            remoteAddress: remote, data: context.channel.allocator.buffer(bytes: bytes),
            metadata: .init(ecnState: transmit.ecn.state, packetInfo: nil, segmentSize: segment))
        let port = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(envelope)).whenComplete { _ in port.value.resume() }
    }

    // MARK: Time

    /// Sets the timer when the endpoint's deadline lies before the one that is set. A timer that fires too early
    /// finds nothing due and is set again: cheaper than cancelling one for every datagram.
    private func schedule(now: Instant) {
        guard let context, let deadline = endpoint.deadline else { return }
        // Timers of many sessions within one step fire together (RFC 9002 section 6.1.2 calls 1 ms the granularity).
        let step = UInt64(limits.timerStep.nanoseconds)
        let due = max(deadline, now).nanoseconds
        let time = Instant(nanoseconds: (due / step &+ 1) &* step)
        if let timer, timer.time <= time { return }
        timer?.callback.cancel()
        timer = nil
        let scheduled = try? context.eventLoop.assumeIsolated().scheduleCallback(
            at: .uptimeNanoseconds(time.nanoseconds), handler: self)
        if let scheduled { timer = (scheduled, time) }
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        timer = nil
        guard context != nil else { return }
        finishTurn(now: SystemClock.now())
    }

    // MARK: Life

    /// Lets the owner give the endpoint a command, and carries out what follows from it.
    func command<Result>(_ body: (Endpoint, Instant) -> Result) -> Result {
        let now = SystemClock.now()
        let result = body(endpoint, now)
        finishTurn(now: now)
        return result
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    /// The endpoint may have something to say before it hears anything: a client does.
    func channelActive(context: ChannelHandlerContext) { finishTurn(now: SystemClock.now()) }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        timer?.callback.cancel()
        timer = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A datagram socket survives the errors that a peer can cause; others end it, and the owner sees it close.
        counters.socketErrors &+= 1
        guard let error = error as? IOError, error.errnoCode == ECONNREFUSED else { return }
        command { endpoint, now in endpoint.peerRefused(now: now) }
    }
}

/// How much a driver does before others have their turn.
package struct DriverLimits: Hashable, Sendable {
    /// Datagrams that one system call may read.
    package var datagramsPerRead = 64
    /// Reads of one turn of the loop: with `datagramsPerRead` the bound of a turn's work.
    package var readsPerTurn: UInt = 2
    /// Bursts that are sent before the loop reads again.
    package var transmitsPerTurn = 160
    /// Deadlines within one step fire together.
    package var timerStep = Duration.milliseconds(1)

    package init() {}
}

/// What went through a driver.
package struct DriverCounters: Hashable, Sendable {
    package var datagramsReceived: UInt64 = 0
    /// Calls that sent; one may carry several datagrams.
    package var transmits: UInt64 = 0
    /// Datagrams that the kernel refused: too large for the interface, no route.
    package var datagramsRefused: UInt64 = 0
    /// How often the kernel's buffer was full.
    package var blockedSends: UInt64 = 0
    package var socketErrors: UInt64 = 0
}
