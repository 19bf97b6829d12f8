/// The addresses of the two network namespaces: private ones (RFC 1918), which only the namespaces see.
enum RealAddresses {
    /// The server's only address, and the port of its first answer; the next ones follow.
    static let server: UInt32 = 0x0A00_0001
    static let serverPort = 4433
    /// The address of the clients' device itself, with the server in its network.
    static let device: UInt32 = 0x0A00_0002
    static let deviceMask: UInt32 = 0xFFFF_FF00
    /// The server's network holds everybody.
    static let serverMask: UInt32 = 0xFF00_0000
    /// The first of the clients' addresses, of which each trial takes its own: what is still under way when a trial has
    /// ended finds no other one.
    static let firstClient: UInt32 = 0x0A40_0001
    static let clientMask: UInt32 = 0xFFC0_0000
    /// How many trials the clients' network has addresses for.
    static let clientCount = 0x3F_FFFE

    static func client(_ number: Int) -> UInt32 { firstClient + UInt32(clamping: number) }

    /// The trial whose client has this address, where it is one of theirs.
    static func trial(of address: UInt32) -> Int? {
        guard address >= firstClient, address - firstClient < UInt32(clientCount) else { return nil }
        return Int(address - firstClient)
    }

    static func text(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }
}
