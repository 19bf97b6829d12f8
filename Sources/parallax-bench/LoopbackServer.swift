internal import ArgumentParser
internal import DTLS
internal import Endpoint
internal import Glibc
internal import QUIC
internal import Responder
internal import Server
internal import WebRTC
internal import Wire

/// The server under load: every session gets each of its frames back as it arrives, undecoded.
struct LoopbackServer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loopback-server",
        abstract: "Serves loopback sessions on 127.0.0.1 and prints its ports: UDP, and HTTP for calls.",
        shouldDisplay: false)

    func run() throws {
        let seconds = Int(SystemClock.wallClockSeconds())
        var configuration = ServerConfiguration(credentials: try .selfSigned(.ecdsaP256, unixSeconds: seconds))
        configuration.responder = .loopback()
        configuration.webRTC = WebRTCServerConfiguration(identity: try .selfSigned(.ecdsaP256, unixSeconds: seconds))
        var http = HTTPConfiguration()
        http.servesTLS = false
        http.plainPort = 0
        let server = try SessionServer(host: "127.0.0.1", port: 0, configuration: configuration, http: http, onNotice: { _ in })
        print(server.local.port, server.plainHTTPPort ?? 0)
        fflush(nil)
        try server.wait()
    }
}
