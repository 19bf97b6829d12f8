import Foundation
import Fuzz
import SCTPLease
import Testing
import Wire

/// Inputs that once broke a parser, or were made by hand to try. Whatever a fuzzer finds is kept here for ever.
private func inputs(for target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Crashes/\(target.rawValue)")
    return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        .sorted { $0.lastPathComponent < $1.lastPathComponent }
        .map { ($0.lastPathComponent, [UInt8](try Data(contentsOf: $0))) }
}

/// What `target` makes of `input`; a broken rule is an issue of the test that asks.
private func run(_ target: FuzzTarget, _ input: [UInt8], _ name: @autoclosure () -> String) -> Bool {
    do throws(FuzzFinding) {
        return try target.run(input.span)
    } catch {
        Issue.record("\(target.rawValue) \(name()): \(error)")
        return false
    }
}

/// Runs every kept input: of each target some are taken and some are refused.
private func replay(_ target: FuzzTarget) throws {
    let inputs = try inputs(for: target)
    let taken = inputs.filter { run(target, $0.bytes, $0.name) }
    #expect(!taken.isEmpty)
    #expect(taken.count < inputs.count)
}

/// Runs shortened and mutated copies of the kept inputs, the same on every run; the fuzzers proper try others
/// (docs/fuzzing.md).
private func replayMutations(_ target: FuzzTarget) throws {
    var mutator = Mutator(seed: 0x5EED)
    let inputs = try inputs(for: target).filter { $0.bytes.count <= 2_000 }
    for input in inputs {
        for length in stride(from: 0, to: input.bytes.count, by: max(1, input.bytes.count / 16)) {
            _ = run(target, Array(input.bytes.prefix(length)), "\(input.name), first \(length) bytes")
        }
        for round in 0..<48 {
            _ = run(target, mutator.mutate(input.bytes), "\(input.name), mutation \(round)")
        }
    }
}

@Suite struct FuzzTests {
    private static let targets = FuzzTarget.allCases.filter { !$0.ownsSCTP }

    @Test(arguments: targets)
    func `every kept input is taken or refused, and of both there are some`(target: FuzzTarget) throws { try replay(target) }

    @Test(arguments: targets)
    func `no shorter or mutated input breaks a rule`(target: FuzzTarget) throws { try replayMutations(target) }

    @Test func `every folder of inputs belongs to a target`() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Crashes")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(names) == Set(FuzzTarget.allCases.map(\.rawValue)))
    }

    @Test func `every target has its line in the page about fuzzing`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "docs/fuzzing.md"), encoding: .utf8)
        let named = page.split(separator: "\n").filter { $0.hasPrefix("| `") }
            .compactMap { $0.split(separator: "|").first }
            .flatMap { $0.split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) } }
        #expect(named.sorted() == FuzzTarget.allCases.map(\.rawValue).sorted())
    }
}

@Suite(.ownsSCTP) struct FuzzTestsOfSCTP {
    private static let targets = FuzzTarget.allCases.filter(\.ownsSCTP)

    @Test(arguments: targets)
    func `every kept input is taken or refused, and of both there are some`(target: FuzzTarget) throws { try replay(target) }

    @Test(arguments: targets)
    func `no shorter or mutated input breaks a rule`(target: FuzzTarget) throws { try replayMutations(target) }
}

/// Changes inputs as a fuzzer does: bits, bytes, and pieces taken out, doubled or moved.
private struct Mutator {
    private var random: Xoshiro256

    init(seed: UInt64) { random = Xoshiro256(seed: seed) }

    mutating func mutate(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0...Int.random(in: 0..<4, using: &random) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard let index = bytes.indices.randomElement(using: &random) else {
            bytes.append(UInt8.random(in: 0...255, using: &random))
            return
        }
        let end = Int.random(in: index..<min(bytes.count, index + 32), using: &random)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
        case 2: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 3: bytes.removeSubrange(index...end)
        case 4: bytes.insert(contentsOf: bytes[index...end], at: index)
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
        }
    }
}
