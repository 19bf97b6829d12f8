/// Where a connection lives: the number that a load balancer routes by. QUIC connection IDs and ICE ufrags carry it.
public struct ServerPlace: Hashable, Sendable {
    /// The server, unique in its cluster.
    public var server: UInt16
    /// The shard (event loop) inside the server.
    public var shard: UInt8

    public init(server: UInt16, shard: UInt8) {
        self.server = server
        self.shard = shard
    }
}
