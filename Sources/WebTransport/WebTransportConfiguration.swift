internal import Framing
package import HTTP3
package import MediaStreams
package import Session

/// How a server speaks WebTransport.
package struct WebTransportServerConfiguration: Sendable {
    /// The path that sessions live on; everything else is 404.
    package var path = "/v1/realtime"
    /// The origins whose pages may connect; `nil` allows all. A request without `Origin` comes from no page and passes.
    package var allowedOrigins: Set<String>?
    /// Whether SETTINGS_WEBTRANSPORT_MAX_SESSIONS of draft-07 is advertised: it moves Chromium to that draft.
    package var advertisesDraft07 = false
    package var format = MediaFormat()
    package var limits = WebTransportLimits()

    package init() {}

    /// What clients remember of it beside a ticket; the tickets of a server with other SETTINGS are void.
    package var remembered: [UInt8] { settings.payload }

    /// All that today's browsers and stacks key on, each in its own draft.
    var settings: HTTP3Settings {
        HTTP3Settings(
            [
                .init(.maxFieldSectionSize, UInt64(limits.http.fieldSections.sectionByteCount)),
                .init(.enableConnectProtocol, 1),
                .init(.h3Datagram, 1),
                .init(.h3DatagramDraft04, 1),
                .init(.enableWebTransport, 1),
            ] + (advertisesDraft07 ? [.init(.webTransportMaxSessionsDraft07, 1)] : []) + [
                .init(.webTransportMaxSessions, 1),
                .init(.webTransportEnabled, 1),
                .init(.webTransportInitialMaxData, limits.sessionWindowByteCount),
                .init(.webTransportInitialMaxStreamsUni, limits.sessionUnidirectionalStreams),
                .init(.webTransportInitialMaxStreamsBidi, limits.sessionBidirectionalStreams),
            ])
    }
}

/// How a client asks for a WebTransport session.
package struct WebTransportClientConfiguration: Sendable {
    /// Host and port, as in a URL.
    package var authority: String
    package var path = "/v1/realtime"
    /// Sent as `?model=…`.
    package var model: String?
    /// Sent as `Authorization: Bearer …`.
    package var secret: String?
    /// Goes on with a session, sent as `?resume=…`.
    package var resume: ResumeRequest?
    /// The payload of the server's SETTINGS of an earlier connection, where early data relies on it.
    package var rememberedSettings: [UInt8] = []
    package var origin: String?
    /// `webtransport` up to draft-14, `webtransport-h3` from draft-15.
    package var connectProtocol = "webtransport"
    /// Whether the CONNECT waits for the server's SETTINGS, as RFC 9220 section 3 asks. Our client does not wait by default: it
    /// saves a round trip whenever the server's SETTINGS come after its handshake, and a server that speaks no
    /// WebTransport refuses the request either way.
    package var waitsForSettings = false
    /// Whether WebTransport's own flow control is asked for; with one session on a connection QUIC's is enough. Implies
    /// `waitsForSettings`, since the server's limits must be known.
    package var asksForSessionFlowControl = false
    package var format = MediaFormat()
    package var limits = WebTransportLimits()

    package init(authority: String) { self.authority = authority }

    var settings: HTTP3Settings {
        let settings: [HTTP3Settings.Setting] = [
            .init(.maxFieldSectionSize, UInt64(limits.http.fieldSections.sectionByteCount)),
            .init(.h3Datagram, 1),
            .init(.enableWebTransport, 1),
            .init(.webTransportMaxSessions, 1),
            .init(.webTransportEnabled, 1),
        ]
        guard asksForSessionFlowControl else { return HTTP3Settings(settings) }
        return HTTP3Settings(
            settings + [
                .init(.webTransportInitialMaxData, limits.sessionWindowByteCount),
                .init(.webTransportInitialMaxStreamsUni, limits.sessionUnidirectionalStreams),
                .init(.webTransportInitialMaxStreamsBidi, limits.sessionBidirectionalStreams),
            ])
    }
}

/// What the peer of one connection may make us hold.
package struct WebTransportLimits: Hashable, Sendable {
    package var http = HTTP3Limits()
    package var streams = MediaStreamLimits()
    /// Server: streams, their bytes, and datagrams that came before their session. A stream that is turned away is a frame
    /// lost in a mode that promises all of them: so there is room for as many as QUIC gives credit for.
    package var earlyStreams = 256
    package var earlyStreamByteCount = 256 * 1024
    package var earlyDatagrams = 256
    /// Streams whose session identifier is not whole.
    package var undecidedStreams = 32
    /// WebTransport's own flow control, where the peer asks for it.
    package var sessionWindowByteCount: UInt64 = 1024 * 1024
    package var sessionUnidirectionalStreams: UInt64 = 256
    package var sessionBidirectionalStreams: UInt64 = 16

    package init() {}
}
