/// Every limit of the HTTP side, in one place. What goes over one gets its status, or the connection's end.
package struct HTTPLimits: Hashable, Sendable {
    /// An SDP offer, or a fragment of one; 413 beyond.
    package var sdpBytes = 65_536
    /// A whole body: an offer, a session and the form around them; 413 beyond.
    package var bodyBytes = 160 << 10
    /// What is still read of a body that is too large, so that its sender comes to hear of it.
    package var drainedBytes = 1 << 20
    /// All header fields of a request.
    package var headerBytes = 16 << 10
    package var headerFields = 100
    /// Connections at once on one listener; more wait in the kernel.
    package var connections = 1_000
    /// From the accepted connection to the end of its TLS handshake.
    package var handshakeTime = Duration.seconds(10)
    /// How long a connection may stay without a whole request's header.
    package var idleTime = Duration.seconds(30)
    /// From a request's header to the end of its body; 408 beyond.
    package var bodyTime = Duration.seconds(10)
    /// How long requests may take to end when the server stops.
    package var stopTime = Duration.seconds(2)
    /// How many UDP ports are tried where the kernel chooses and TCP has the number in use.
    package var portAttempts = 16

    package init() {}
}
