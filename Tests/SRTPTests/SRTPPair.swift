import RTP
import SRTP

/// Two ends of one SRTP session with fixed keys, and packets for them.
struct SRTPPair {
    let sender: SRTPSession
    let receiver: SRTPSession

    init(_ profile: SRTPProfile, limits: SRTPLimits = SRTPLimits()) throws {
        let count = profile.masterKeyByteCount + profile.masterSaltByteCount
        let keys = SRTPKeys(
            profile: profile, local: (0..<count).map { UInt8($0) }, remote: (0..<count).map { UInt8(100 + $0) })
        sender = try SRTPSession(keys: keys, limits: limits)
        receiver = try SRTPSession(keys: SRTPKeys(profile: profile, local: keys.remote, remote: keys.local), limits: limits)
    }

    static func rtp(sequence: UInt16, ssrc: UInt32 = 0xCAFE_BABE, payload: [UInt8] = Array("a frame of speech".utf8)) -> [UInt8] {
        [0x80, 111, UInt8(sequence >> 8), UInt8(sequence & 0xFF), 0, 0, 0, 1] + bytes(ssrc) + payload
    }

    /// A receiver report without a block.
    static func rtcp(ssrc: UInt32 = 0xCAFE_BABE) -> [UInt8] { [0x80, 201, 0, 1] + bytes(ssrc) }

    private static func bytes(_ value: UInt32) -> [UInt8] { (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
}

enum Packet: CaseIterable {
    case rtp
    case rtcp
}

extension SRTPSession {
    func protect(_ kind: Packet, _ packet: [UInt8]) throws -> [UInt8] {
        try change(packet, room: Self.trailerByteCount) { buffer, count throws(SRTPFailure) in
            switch kind {
            case .rtp: try protectRTP(buffer, count: count)
            case .rtcp: try protectRTCP(buffer, count: count)
            }
        }
    }

    func unprotect(_ kind: Packet, _ packet: [UInt8]) throws -> [UInt8] {
        try change(packet, room: 0) { buffer, count throws(SRTPFailure) in
            switch kind {
            case .rtp: try unprotectRTP(buffer, count: count)
            case .rtcp: try unprotectRTCP(buffer, count: count)
            }
        }
    }

    /// Runs `body` on the packet with exactly the room it may use, and sees that the bytes around it stay as they are.
    private func change(
        _ packet: [UInt8], room: Int, _ body: (UnsafeMutableRawBufferPointer, Int) throws(SRTPFailure) -> Int
    ) throws -> [UInt8] {
        let guardCount = 64
        let total = guardCount + packet.count + room + guardCount
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: total, alignment: 16)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0xA5)
        let inner = UnsafeMutableRawBufferPointer(rebasing: memory[guardCount..<(total - guardCount)])
        inner.copyBytes(from: packet)
        let before = memory[..<guardCount], after = memory[(total - guardCount)...]
        defer { precondition(before.allSatisfy { $0 == 0xA5 } && after.allSatisfy { $0 == 0xA5 }, "wrote outside the buffer") }
        let count = try body(inner, packet.count)
        return [UInt8](inner[..<count])
    }
}
