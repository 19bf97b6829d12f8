internal import SCTP
package import Testing

/// Makes every test that has it wait until it has usrsctp to itself.
///
/// usrsctp has one list of timers and one tick counter for the process, swift-testing runs tests side by side, and each test
/// has a time of its own. So every test of this bundle, in whatever suite, that starts an association carries
/// `.ownsSCTP`, itself or by its suite:
///
///     @Suite(.ownsSCTP) struct AssociationTests {
///
/// * It orders tests and does nothing else: clocks, seeds and associations are the test's own to set and to end.
/// * A test that has it is synchronous inside, since the virtual clock belongs to a thread.
/// * It cannot deadlock: there is one lease, a test holds it from before its first line until after its last, and carrying
///   the trait twice takes it once.
package struct OwnsSCTP: TestTrait, SuiteTrait, TestScoping {
    @TaskLocal private static var isHeld = false

    /// On a suite it holds for each test in turn, not for the suite as a whole.
    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        guard !Self.isHeld else { return try await function() }
        await Lease.shared.take()
        // Whatever a test before has left alive, it shall not hold back this one's time.
        SCTPEngine.shared.beginTimeline()
        let result = await Self.$isHeld.withValue(true) { await Result(catching: function) }
        await Lease.shared.giveBack()
        try result.get()
    }
}

extension Trait where Self == OwnsSCTP {
    /// The test has usrsctp to itself.
    package static var ownsSCTP: Self { OwnsSCTP() }
}

/// First come, first served.
private actor Lease {
    static let shared = Lease()

    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func take() async {
        guard isTaken else {
            isTaken = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func giveBack() {
        guard !waiting.isEmpty else {
            isTaken = false
            return
        }
        waiting.removeFirst().resume()
    }
}

extension Result where Failure == any Error, Success == Void {
    /// The standard library has it for synchronous functions only.
    fileprivate init(catching body: () async throws -> Void) async {
        do {
            try await body()
            self = .success(())
        } catch {
            self = .failure(error)
        }
    }
}
