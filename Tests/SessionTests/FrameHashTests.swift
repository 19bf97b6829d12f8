import Session
import Testing

@Suite struct FrameHashTests {
    /// The constant was computed apart from this code, with Python's hashlib and struct.
    @Test func `the hash agrees with an independent computation`() {
        var hash = FrameHash()
        for index in 0..<300 {
            hash.update([0xF8] + (0..<index % 97).map { UInt8(truncatingIfNeeded: index * 7 + $0 * 13) })
        }
        let text = hash.hexadecimal()
        #expect(text == "59ab76efdde33f750ad085a096e4c9cdede498efa4917e6bbe60d9dbb85ba326")
    }

    @Test func `no frames hash as no bytes`() {
        var hash = FrameHash()
        let text = hash.hexadecimal()
        #expect(text == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func `where a frame ends matters`() {
        var one = FrameHash()
        one.update([1, 2])
        one.update([3])
        var other = FrameHash()
        other.update([1])
        other.update([2, 3])
        let (left, right) = (one.hexadecimal(), other.hexadecimal())
        #expect(left != right)
    }
}
