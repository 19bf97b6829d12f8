package import Wire

/// The clock and the random numbers that C libraries ask the operating system for, as a trial sets them.
///
/// OpenSSL asks for the date when it resends a handshake, and usrsctp for the date and for random numbers. A program that
/// simulates puts its own functions in the place of the system's and says here how they are told the time. This target
/// does not do it: it is also linked into programs that serve.
package struct LabClock: Sendable {
    /// A trial begins: the time is zero, and random numbers come from this seed.
    package var begin: @Sendable (_ seed: UInt64) -> Void
    /// The world's clock has moved.
    package var set: @Sendable (Instant) -> Void
    /// The system's own clock and random numbers are back.
    package var end: @Sendable () -> Void

    package init(
        begin: @escaping @Sendable (_ seed: UInt64) -> Void, set: @escaping @Sendable (Instant) -> Void,
        end: @escaping @Sendable () -> Void
    ) {
        self.begin = begin
        self.set = set
        self.end = end
    }
}
