@testable import Lab
import Foundation
import Testing
import Wire

@Suite struct SketchTests {
    @Test func `a strip shows where packets are lost, and the line where they wait`() {
        var link = NetworkProfile.reference
        link.outage = Outage(earliestStart: .seconds(1), latestStart: .seconds(1), length: .milliseconds(500))
        let sketch = LinkSketch(link, seed: 1, seconds: 2)
        #expect(sketch.delays.count == 100 && sketch.lostShare == 0.25)
        #expect(sketch.losses(width: 8) == "····██··")
        #expect(sketch.delayLine(width: 8) == "▁▁▁▁  ▁▁")
        #expect(sketch.losses(width: 1) == "▂")
        #expect(sketch.losses(width: 1000).count == 100)
    }

    @Test func `every profile can be drawn in any width, the same for the same seed`() throws {
        for profile in NetworkProfile.all {
            let sketch = ProfileSketch(profile, seed: 3, seconds: 2)
            for width in [20, 80] { #expect(sketch.lines(width: width).allSatisfy { $0.count <= max(width, 60) }, "\(profile.name)") }
            #expect(sketch == ProfileSketch(profile, seed: 3, seconds: 2))
        }
    }

    @Test func `the numbers are JSON`() throws {
        let profile = try #require(NetworkProfile.named("burst-10@25ms"))
        let bytes = Array(ProfileSketch(profile, seed: 1, seconds: 1).json.utf8)
        let text = try JSONText(bytes.span)
        guard case .object(let members) = text.value else { return #expect(Bool(false)) }
        #expect(members.map(\.name) == ["name", "summary", "source", "seed", "up", "down"])
    }
}
