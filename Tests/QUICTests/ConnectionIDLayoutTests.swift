import Testing
import Wire

@testable import QUIC

@Suite struct ConnectionIDLayoutTests {
    /// The encrypted vectors of draft-ietf-quic-load-balancers-21 appendix B, server ID and nonce against the
    /// connection ID without its first octet.
    @Test(arguments: [
        ("ed793aee080dbf", "20b1d07b359d3c"),
        ("ed793a51d49b8f5fab65ee080dbf48", "cc381bc74cb4fbad2823a3d1f8fed2"),
        ("ed793a51d49b8f5fee080dbf48c0d1e5", "4dd2d05a7b0de9b2b9907afb5ecf8cc3"),
        ("ed793a51d49b8f5fabee080dbf48c0d1e55d", "5779c9cc86beb3a3a4a3ca96fce4bfe0cdbc"),
    ])
    func `the draft's vectors encrypt and decrypt`(plain: String, encrypted: String) {
        let cipher = FourPassCipher(key: bytes("8f95f09245765f80256934e50c66207f"))
        #expect(cipher.encrypt(bytes(plain)) == bytes(encrypted))
        #expect(cipher.decrypt(bytes(encrypted)) == bytes(plain))
    }

    @Test func `the draft's worked example encrypts`() {
        let cipher = FourPassCipher(key: bytes("fdf726a9893ec05c0632d3956680baf0"))
        #expect(cipher.encrypt(bytes("31441a9c69c275")) == bytes("67947d29be054a"))
    }

    @Test(arguments: [nil, [UInt8](repeating: 0x5A, count: 16)])
    func `server and shard are read back from every ID`(key: [UInt8]?) {
        var entropy = Entropy(seed: 8)
        let layout = ConnectionIDLayout(configuration: 2, key: key)
        for server in [0, 1, 255, 256, 65535] as [UInt16] {
            for shard in [0, 1, 255] as [UInt8] {
                let place = ServerPlace(server: server, shard: shard)
                let id = layout.make(at: place, entropy: &entropy)
                #expect(layout.place(of: id) == place)
            }
        }
        var seen: Set<ConnectionID> = []
        for _ in 0..<1000 { seen.insert(layout.make(at: ServerPlace(server: 1, shard: 1), entropy: &entropy)) }
        #expect(seen.count == 1000)
    }

    @Test(arguments: 0...20) func `an ID of another length or configuration has no place`(length: Int) throws {
        let layout = ConnectionIDLayout(configuration: 2)
        let id = try #require(ConnectionID([UInt8](repeating: 0xFF, count: length)))
        #expect(layout.place(of: id) == nil)
    }

    @Test func `connection IDs keep every byte and refuse the twenty-first`() throws {
        for length in 0...20 {
            let content = (0..<length).map { UInt8($0 + 100) }
            #expect(try #require(ConnectionID(content)).bytes == content)
        }
        #expect(ConnectionID([UInt8](repeating: 0, count: 21)) == nil)
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
    }
}
