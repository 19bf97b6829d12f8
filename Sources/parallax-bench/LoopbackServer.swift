internal import ArgumentParser
internal import Endpoint
internal import Glibc
internal import QUIC
internal import Responder
internal import Server
internal import Wire

/// The server under load: every session gets each of its frames back as it arrives, undecoded.
struct LoopbackServer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loopback-server",
        abstract: "Serves loopback sessions on 127.0.0.1 and prints its port.",
        shouldDisplay: false)

    func run() throws {
        var configuration = ServerConfiguration(
            credentials: try .selfSigned(.ecdsaP256, unixSeconds: Int(SystemClock.wallClockSeconds())))
        configuration.responder = .loopback()
        let server = try SessionServer(host: "127.0.0.1", port: 0, configuration: configuration, onNotice: { _ in })
        print(server.local.port)
        fflush(nil)
        try server.wait()
    }
}
