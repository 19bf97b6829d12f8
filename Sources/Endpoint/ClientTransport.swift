package import RoQ
package import WebRTC
package import WebSocket
package import WebTransport

/// Which transport a client speaks, and how.
package enum ClientTransport: Sendable {
    case webTransport(WebTransportClientConfiguration)
    case roq(RoQConfiguration)
    case webRTC(WebRTCClientConfiguration)
    /// Over a stream to the server, TLS and all, that the driver opens.
    case webSocket(WebSocketClientConfiguration)
}
