internal import CVirtualClock
internal import DTLS
internal import RTP
internal import Wire

/// A stranger's datagrams between two honest ends of DTLS.
///
/// The input is a list: a byte that says when and to whom (`StrangersDatagram`), a length in two bytes, and as many bytes.
func fuzzDTLS(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let strangers = StrangersDatagram.list(input)
    guard let identity = try? honestIdentity.get(), let table = try? DTLSTable(identity, strangers) else {
        throw FuzzFinding(description: "OpenSSL makes no session")
    }
    parallax_virtual_clock_set(0)
    defer { parallax_virtual_clock_clear() }
    table.shakeHands()
    let isEstablished = table.client.isEstablished && table.server.isEstablished
    let clientKeys = table.clientEvents.keys
    let serverKeys = table.serverEvents.keys
    try expect(clientKeys.count <= 1 && serverKeys.count <= 1, "keys are told once")
    if let mine = clientKeys.first, let theirs = serverKeys.first {
        try expect(mine.local == theirs.remote && mine.remote == theirs.local, "no stranger changes a key")
    }
    // Until there are keys nobody can tell a stranger's handshake messages and alerts from the peer's (RFC 6347 section 4.1.2.7).
    if strangers.allSatisfy(\.isNoise) { try expect(isEstablished, "noise does not stop a handshake") }
    guard isEstablished else {
        try expect(table.client.deadline == nil && table.server.deadline == nil, "a handshake comes to an end")
        return false
    }
    table.deliverStrangers { $0.isAfterHandshake }
    try expect(table.client.isEstablished && table.server.isEstablished, "no stranger ends a session")
    try expect(table.clientEvents.data.isEmpty && table.serverEvents.data.isEmpty, "no stranger is heard")
    guard (try? table.client.send([1])) != nil, (try? table.server.send([2])) != nil else {
        throw FuzzFinding(description: "broken: an established session sends")
    }
    table.run()
    try expect(table.serverEvents.data == [[1]] && table.clientEvents.data == [[2]], "the peer is heard behind all strangers")
    return true
}

/// Made once: generating a key is not what this is about.
private let honestIdentity = Result { () throws(DTLSFailure) in try DTLSIdentity.selfSigned(.ed25519, unixSeconds: 1_790_000_000) }

private struct StrangersDatagram {
    /// Bit 0: to the client. Bit 1: after the handshake. The rest: before the honest datagram of this number.
    var place: UInt8
    var bytes: [UInt8]

    var isToClient: Bool { place & 1 == 1 }
    var isAfterHandshake: Bool { place & 2 == 2 }
    var number: Int { Int(place >> 2) }

    static func list(_ input: Span<UInt8>) -> [StrangersDatagram] {
        var reader = ByteReader(input)
        var datagrams: [StrangersDatagram] = []
        while datagrams.count < 64, let place = try? reader.readUInt8(), let length = try? reader.readUInt16() {
            let bytes = (try? reader.readBytes(min(Int(length), reader.remaining))) ?? []
            datagrams.append(StrangersDatagram(place: place, bytes: bytes))
        }
        return datagrams
    }

    /// Whether it does not even begin as a record of the peer's handshake does: change_cipher_spec, alert, handshake.
    var isNoise: Bool { isAfterHandshake || bytes.first.map { !(20...22).contains($0) } ?? true }
}

/// Two honest ends and what lies between them.
private final class DTLSTable {
    let client: DTLSSession
    let server: DTLSSession
    private(set) var clientEvents: [DTLSEvent] = []
    private(set) var serverEvents: [DTLSEvent] = []
    private let strangers: [StrangersDatagram]
    private var now = Instant.zero
    private var delivered = 0

    init(_ identity: DTLSIdentity, _ strangers: [StrangersDatagram]) throws(DTLSFailure) {
        self.strangers = strangers
        client = try DTLSSession(role: .client, identity: identity, peerFingerprints: [identity.fingerprint])
        server = try DTLSSession(role: .server, identity: identity, peerFingerprints: [identity.fingerprint])
    }

    /// Runs until neither waits for anything: each is established or has given up.
    func shakeHands() {
        deliverStrangers { !$0.isAfterHandshake && $0.number == 0 }
        server.start(now: now)
        client.start(now: now)
        run()
        while let due = earliest(client.deadline, server.deadline) {
            now = max(now, due)
            parallax_virtual_clock_set(Int64(now.nanoseconds))
            if let deadline = client.deadline, deadline <= now { client.handleTimeout(now: now) }
            if let deadline = server.deadline, deadline <= now { server.handleTimeout(now: now) }
            run()
        }
    }

    /// Carries what the two have for each other, each datagram behind the strangers' of its number.
    func run() {
        while true {
            while let event = client.pollEvent() { clientEvents.append(event) }
            while let event = server.pollEvent() { serverEvents.append(event) }
            let (bytes, isFromClient): ([UInt8], Bool)
            if let datagram = client.pollTransmit() { (bytes, isFromClient) = (datagram, true) }
            else if let datagram = server.pollTransmit() { (bytes, isFromClient) = (datagram, false) }
            else { return }
            let number = delivered
            delivered += 1
            if number > 0 { deliverStrangers { !$0.isAfterHandshake && $0.number == number } }
            deliver(bytes, toClient: !isFromClient)
        }
    }

    func deliverStrangers(where isDue: (StrangersDatagram) -> Bool) {
        for stranger in strangers where isDue(stranger) { deliver(stranger.bytes, toClient: stranger.isToClient) }
        while let event = client.pollEvent() { clientEvents.append(event) }
        while let event = server.pollEvent() { serverEvents.append(event) }
    }

    private func deliver(_ bytes: [UInt8], toClient: Bool) {
        bytes.withUnsafeBytes { (toClient ? client : server).receive($0, now: now) }
    }
}

extension [DTLSEvent] {
    fileprivate var keys: [SRTPKeys] {
        compactMap { if case .keysAvailable(let keys) = $0 { keys } else { nil } }
    }

    fileprivate var data: [[UInt8]] {
        compactMap { if case .data(let bytes) = $0 { bytes } else { nil } }
    }
}
