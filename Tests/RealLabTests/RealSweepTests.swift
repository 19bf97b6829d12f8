import Dispatch
import Foundation
import Lab
import Opus
import RealLab
import Testing

/// The whole of it: two namespaces, three processes, real sockets, the kernel's UDP and TCP. Nothing here is decided by
/// how long anything takes.
@Suite(.serialized) struct RealSweepTests {
    /// A second of silence and noise, as 16-bit mono WAV.
    private static func wav() -> Data {
        let samples = (0..<16_000).map { Int16(truncatingIfNeeded: ($0 * 7_919) % 2_003 - 1_001) }
        func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
        let data = samples.flatMap(little)
        let format = little(UInt16(1)) + little(UInt16(1)) + little(UInt32(16_000)) + little(UInt32(32_000)) + little(UInt16(2)) + little(UInt16(16))
        let body = Array("WAVEfmt ".utf8) + little(UInt32(16)) + format + Array("data".utf8) + little(UInt32(data.count)) + data
        return Data(Array("RIFF".utf8) + little(UInt32(body.count)) + body)
    }

    /// The program beside this one: `swift build --build-tests` makes it, too.
    private static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "parallax")

    private func run(_ transports: String, modes: String, profile: String) async throws -> [TrialRow] {
        do {
            // In real time, and so not on a thread that other tests wait for.
            return try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async {
                    continuation.resume(with: Result { try Self.sweep(transports, modes: modes, profile: profile) })
                }
            }
        } catch let error as RealFailure where ["no_tun", "tun_forbidden", "namespaces_forbidden"].contains(error.code) {
            try Test.cancel("this machine permits no namespaces: \(error.description)")
        }
    }

    private static func sweep(_ transports: String, modes: String, profile: String) throws -> [TrialRow] {
        let directory = FileManager.default.temporaryDirectory.appending(path: "real-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appending(path: "noise.wav")
        try wav().write(to: path)
        let clips = try ClipFiles.load([path])
        let plan = try Plan(seed: 1, transports: transports, modes: modes, profiles: profile, clips: clips, trialsPerCell: 1)
        let sweep = RealSweep(
            plan: plan, share: .whole, clips: clips, commit: "test", limits: RealLimits(trialsAtOnce: 20), program: program.path,
            arguments: ["real-network", "--profile", profile, "--clip", path.path])
        var rows: [TrialRow] = []
        _ = try sweep.run { rows.append($0) }
        return rows.inPlanOrder()
    }

    @Test func `every transport carries a prompt whole over a clean network`() async throws {
        let rows = try await run("webtransport,roq,webrtc,websocket", modes: "datagram,stream", profile: "clean")
        #expect(rows.map(\.end) == Array(repeating: TrialRow.completedEnd, count: 7))
        #expect(rows.map(\.verdict) == Array(repeating: "intact", count: 7))
        #expect(rows.map(\.transport) == ["webtransport", "webtransport", "roq", "roq", "webrtc", "webrtc", "websocket"])
        for row in rows {
            #expect(row.framesSent == 51 && row.framesPrompt == 51 && row.droppedPacketsUp == 0)
            // Nothing is faster than the link.
            #expect(row.frameDelayP50Milliseconds.map { $0 >= 50 } ?? false)
            #expect(row.setupMilliseconds.map { $0 >= 100 } ?? false)
            #expect(row.wireBytesUp > row.payloadBytesUp && row.responseFrames == 50)
        }
    }

    @Test func `what the link drops is missing from a prompt of datagrams`() async throws {
        let rows = try await run("roq", modes: "datagram", profile: "random-20")
        let row = try #require(rows.first)
        #expect(row.framesDropped > 0 && row.droppedPacketsUp >= row.framesDropped)
        #expect(row.framesMissing > 0 && row.verdict == "degraded")
    }
}
