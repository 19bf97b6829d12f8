import ICE
import Testing
import Wire

@Suite struct UfragLayoutTests {
    @Test(arguments: [0, 1, 0x00FF, 0x1234, .max] as [UInt16], [0, 1, 0x7F, .max] as [UInt8])
    func `server and shard are read back from a ufrag and from a check`(server: UInt16, shard: UInt8) {
        let layout = UfragLayout(configuration: 2)
        var entropy = Entropy(seed: UInt64(server) << 8 | UInt64(shard))
        let place = ServerPlace(server: server, shard: shard)
        let credentials = layout.make(at: place, entropy: &entropy)
        #expect(credentials.ufrag.utf8.count == UfragLayout.characterCount)
        #expect(credentials.password.utf8.count >= 22)
        #expect(layout.place(ofUfrag: credentials.ufrag) == place)
        let check = Checks.check(1, to: credentials)
        let read = layout.place(ofCheck: check.span)
        #expect(read == place)
    }

    @Test func `ufrags of another configuration, length or alphabet have no place`() {
        var entropy = Entropy(seed: 1)
        let ufrag = UfragLayout(configuration: 1).make(at: ServerPlace(server: 1, shard: 1), entropy: &entropy).ufrag
        let layout = UfragLayout(configuration: 0)
        #expect(layout.place(ofUfrag: ufrag) == nil)
        #expect(layout.place(ofUfrag: "") == nil)
        #expect(layout.place(ofUfrag: "A" + ufrag) == nil)
        #expect(layout.place(ofUfrag: "A___." + ufrag.suffix(8)) == nil)
        #expect(UfragLayout(configuration: 1).place(ofUfrag: ufrag) != nil)
    }

    @Test func `credentials do not repeat and use ice-chars alone`() {
        var entropy = Entropy(seed: 3)
        var seen: Set<ICECredentials> = []
        for _ in 0..<500 {
            let credentials = UfragLayout().make(at: ServerPlace(server: 1, shard: 0), entropy: &entropy)
            seen.insert(credentials)
            for character in (credentials.ufrag + credentials.password).unicodeScalars {
                #expect(character.isASCII && (character.properties.isAlphabetic || "0123456789+/".unicodeScalars.contains(character)))
            }
        }
        #expect(seen.count == 500)
    }
}
