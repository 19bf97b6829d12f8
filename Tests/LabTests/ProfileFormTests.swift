@testable import Lab
import Foundation
import Testing
import Wire

@Suite struct ProfileFormTests {
    private static func profiles(_ text: String) throws(ProfileFormError) -> [NetworkProfile] {
        let bytes = Array(text.utf8)
        return try ProfileForm { path throws(ProfileFormError) in
            guard path == "up.trace" else { throw ProfileFormError(problem: "cannot read \(path): no such file") }
            let trace = Array("10\n20\n".utf8)
            do throws(DeliveryTraceError) {
                return try DeliveryTrace(trace.span)
            } catch {
                throw ProfileFormError(problem: error.description)
            }
        }.profiles(in: bytes.span)
    }

    private static let cafe = """
        {"profiles": [
          {"name": "cafe", "summary": "the cafe \\u00e0 la carte", "source": "measured",
           "both": {"delay_ms": 20, "jitter_ms": 2.5, "kbit_per_s": 5000, "queue_ms": 200},
           "up": {"loss": {"percent": 3, "mean_burst_frames": 4}},
           "down": {"delay_ms": 30, "loss": {"p_percent": 1, "r_percent": 9, "bad_percent": 50, "good_percent": 0.5}}},
          {"name": "cafe-rush", "like": "cafe",
           "up": {"cross_traffic": {"busy_load": 2, "quiet_load": 0.1, "mean_busy_ms": 500, "mean_quiet_ms": 1500},
                  "loss": null, "outage": {"earliest_ms": 100, "latest_ms": 200, "length_ms": 50},
                  "failures": {"every_ms": 1000, "length_ms": 10},
                  "opening_loss": {"length_ms": 500, "loss": {"percent": 50}},
                  "route_flaps": {"every_ms": 2000, "detour_ms": 5}}},
          {"name": "train", "both": {"delay_ms": 10, "mahimahi": {"trace": "up.trace", "queue_bytes": 60000, "start": "anywhere"}}}
        ]}
        """

    @Test func `a file of profiles is read`() throws {
        let profiles = try Self.profiles(Self.cafe)
        #expect(profiles.map(\.name) == ["cafe", "cafe-rush", "train"])
        let cafe = profiles[0]
        #expect(cafe.summary == "the cafe à la carte")
        #expect(cafe.up.delay == .milliseconds(20) && cafe.down.delay == .milliseconds(30))
        #expect(cafe.up.jitter == Jitter(standardDeviation: .microseconds(2500)))
        #expect(cafe.up.bitsPerSecond == 5_000_000 && cafe.up.queueLimit == .milliseconds(200))
        #expect(cafe.up.loss == .bursts(loss: 0.03, meanLength: 4))
        #expect(cafe.down.loss == GilbertElliott(intoBad: 0.01, outOfBad: 0.09, lossInBad: 0.5, lossInGood: 0.005))
        let rush = profiles[1]
        #expect(rush.down == cafe.down)
        #expect(rush.up.loss == nil && rush.up.delay == cafe.up.delay)
        #expect(rush.up.crossTraffic?.meanQuiet == .milliseconds(1500))
        #expect(rush.up.outage?.length == .milliseconds(50))
        #expect(rush.up.failures == LinkFailures(interval: .seconds(1), length: .milliseconds(10)))
        #expect(rush.up.openingLoss == OpeningLoss(loss: .independent(loss: 0.5), length: .milliseconds(500)))
        #expect(rush.up.routeFlaps == RouteFlaps(interval: .seconds(2), detour: .milliseconds(5)))
        let train = profiles[2].down
        #expect(train.trace?.queueByteCount == 60_000 && train.trace?.start == .anywhere)
        #expect(train.bitsPerSecond == 1_200_000)
    }

    @Test func `own profiles stand beside the others, with delays of their own`() throws {
        let catalogue = ProfileCatalogue(own: try Self.profiles(Self.cafe))
        #expect(try catalogue.names(in: "cafe,clean,cafe@5ms") == ["cafe", "clean", "cafe@5ms"])
        #expect(try catalogue.names(in: "all").suffix(3) == ["cafe", "cafe-rush", "train"])
        #expect(catalogue.profile(named: "train@25ms")?.roundTrip == .milliseconds(50))
        #expect(throws: PlanError.self) { try ProfileCatalogue.builtIn.names(in: "cafe") }
    }

    /// What is wrong, and what the error says of it.
    @Test(arguments: [
        (#"[]"#, "line 1, column 1: expected an object in braces"),
        ("{\"profiles\": [\n  {\"name\": \"a\", \"both\": {\"delay_ms\": NaN}}]}", "line 2, column 38: no JSON: expected a value"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1e999}}]}"#, "line 1, column 50: no JSON: 1e999 is too large a number"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1e9}}]}"#,
            "line 1, column 50, profiles[0].both.delay_ms: 1000000000 is out of range; expected a number from 0 to 10000"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": -1}}]}"#, "-1 is out of range; expected a number from 0 to 10000"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": "20"}}]}"#, "profiles[0].both.delay_ms: expected a number from 0 to 10000"),
        (#"{"profiles": [{"name": "a", "both": {"delay": 20}}]}"#, "profiles[0].both.delay: there is no such member; expected delay_ms, jitter_ms"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 20, "delay_ms": 30}}]}"#, "\"delay_ms\" stands here a second time"),
        (#"{"profiles": [{"name": "a", "up": {"delay_ms": 20}}]}"#, "profiles[0]: says no delay_ms for down"),
        (#"{"profiles": [{"name": "clean", "both": {"delay_ms": 20}}]}"#, "\"clean\" is a profile of Parallax; choose another name"),
        (#"{"profiles": [{"name": "burst-5x3", "both": {"delay_ms": 20}}]}"#, "\"burst-5x3\" is a profile of Parallax"),
        (#"{"profiles": [{"name": "all", "both": {"delay_ms": 20}}]}"#, "\"all\" is a profile of Parallax"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1}}, {"name": "a", "like": "a"}]}"#, "profiles[1].name: \"a\" stands in this file twice"),
        (#"{"profiles": [{"name": "a,b", "both": {"delay_ms": 1}}]}"#, "expected letters, digits"),
        (#"{"profiles": [{"name": "a@5ms", "both": {"delay_ms": 1}}]}"#, "expected letters, digits"),
        (#"{"profiles": [{"both": {"delay_ms": 1}}]}"#, "profiles[0].name: is missing"),
        (#"{"profiles": [{"name": "a", "like": "dial-up"}]}"#, "there is no profile \"dial-up\" to be like"),
        (#"{"profiles": []}"#, "profiles: expected a list of 1 to 256 profiles"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1, "loss": {"percent": 50, "mean_burst_frames": 1}}}]}"#,
            "profiles[0].both.loss.mean_burst_frames: is shorter than the mean run of independent loss"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1, "loss": {"p_percent": 60, "r_percent": 60}}}]}"#,
            "p_percent and r_percent together are over 0 and at most 100"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1, "loss": {}}}]}"#, "expected percent, with mean_burst_frames"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1, "mahimahi": {"trace": "x"}}}]}"#, "cannot read x: no such file"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1, "queue_ms": 5, "mahimahi": {"trace": "up.trace"}}}]}"#,
            "a trace has its own rate and queue"),
        (#"{"profiles": [{"name": "a", "both": {"delay_ms": 1, "outage": {"earliest_ms": 5, "latest_ms": 4, "length_ms": 1}}}]}"#,
            "latest_ms: is earlier than earliest_ms"),
        (#"{"profiles": [{"name": "a"}"#, "the text ends too early"),
        (#"{"profiles": [{"name": "a", "like": "clean"}]} x"#, "expected the end of the text"),
    ])
    func `nonsense is answered with its place and what was expected`(text: String, expected: String) {
        let error = #expect(throws: ProfileFormError.self) { try Self.profiles(text) }
        #expect(error?.description.contains(expected) ?? false, "\(error?.description ?? "")")
    }

    @Test func `depth and length have limits`() {
        let deep = String(repeating: "[", count: 1000)
        #expect(throws: ProfileFormError.self) { try Self.profiles(deep) }
        #expect(throws: ProfileFormError.self) { try Self.profiles(String(repeating: " ", count: 2 << 20)) }
        let long = String(repeating: "n", count: 65)
        #expect(throws: ProfileFormError.self) { try Self.profiles(#"{"profiles":[{"name":"\#(long)","like":"clean"}]}"#) }
    }

    @Test func `no shorter file and no mangled byte traps, and what is read can be simulated`() throws {
        let bytes = Array(Self.cafe.utf8)
        for length in 0..<bytes.count {
            let prefix = Array(bytes.prefix(length))
            #expect(throws: ProfileFormError.self) { try Self.profiles(String(decoding: prefix, as: UTF8.self)) }
        }
        for index in bytes.indices {
            for replacement: UInt8 in [0, 0x22, 0x2D, 0x2C, 0x30, 0x39, 0x5C, 0x65, 0x7B, 0x7D, 0xFF] {
                var mangled = bytes
                mangled[index] = replacement
                guard let profiles = try? Self.profiles(String(decoding: mangled, as: UTF8.self)) else { continue }
                for profile in profiles {
                    var link = Link(profile.up, seed: 1)
                    for packet in 0..<5 { _ = link.send(byteCount: 200, now: .zero + .milliseconds(20 * packet)) }
                }
            }
        }
    }

    @Test func `a list may name two traces, and the delay behind them`() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "parallax-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let up = directory.appending(path: "a.up").path, down = directory.appending(path: "a.down").path
        try Data("5\n10\n".utf8).write(to: URL(filePath: up))
        try Data("1\n".utf8).write(to: URL(filePath: down))
        let selection = try ProfileSelection(list: "clean,mahimahi:\(up),\(down)@20ms,burst-5", file: nil)
        #expect(try selection.catalogue.names(in: selection.list) == ["clean", "mahimahi:a.up+a.down@20ms", "burst-5"])
        let profile = try #require(selection.catalogue.profile(named: "mahimahi:a.up+a.down@20ms"))
        #expect(profile.roundTrip == .milliseconds(40))
        #expect(profile.up.trace?.stamps == [5, 10] && profile.down.bitsPerSecond == 12_000_000)
        #expect(throws: ProfileFileError.notTwoTraces("mahimahi:x")) { try ProfileSelection(list: "mahimahi:x", file: nil) }
        #expect(throws: ProfileFileError.self) { try ProfileSelection(list: "mahimahi:\(up),\(down)@20", file: nil) }
        #expect(throws: ProfileFileError.self) { try ProfileSelection(list: "mahimahi:\(up),\(directory.path)", file: nil) }
        #expect(throws: ProfileFileError.self) { try ProfileSelection(list: nil, file: directory.appending(path: "none").path) }
    }
}
