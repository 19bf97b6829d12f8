package import Session
package import Wire

/// What in a datagram leads to this peer, and what no longer does.
package enum WebRTCRouteChange: Hashable, Sendable {
    /// Connectivity checks name this user.
    case named(ufrag: String)
    case unnamed(ufrag: String)
    /// The peer sends from this address.
    case reached(PeerAddress)
    case left(PeerAddress)
}

/// One WebRTC connection, without its socket.
package final class WebRTCPeer {
    package let offer = ""
    package private(set) var path: NetworkPath?

    package init(offeringWith configuration: WebRTCClientConfiguration, entropy: Entropy, now: Instant) {}

    package var deadline: Instant? { nil }
    package var isClosed: Bool { true }
    package var minimumRTT: Duration { .zero }
    package var capabilities: Capabilities { Capabilities(transport: "webrtc", modes: []) }

    package func accept(answer: String, path: NetworkPath, now: Instant) throws(WebRTCRefusal) {}
    package func receive(_ datagram: UnsafeRawBufferPointer, path: NetworkPath, now: Instant) {}
    package func handleTimeout(now: Instant) {}
    package func pollTransmit(into buffer: UnsafeMutableRawBufferPointer, now: Instant) -> Transmit? { nil }
    package func pollEvent() -> TransportEvent? { nil }
    package func pollRouteChange() -> WebRTCRouteChange? { nil }
    package func accept(now: Instant) {}
    package func refuse(status: Int, message: String, now: Instant) {}
    package func send(event: [UInt8], now: Instant) throws(SendRefusal) { throw .notOpen }
    package func send(frame: MediaFrame, delivery: Delivery, now: Instant) throws(SendRefusal) { throw .notOpen }
    package func receives(_ delivery: Delivery) {}
    package func expect(through sequence: UInt16, now: Instant) {}
    package func close(code: UInt32, reason: String, now: Instant) {}
    package func abandon(reason: String, now: Instant) {}
    package func drain() {}
}
