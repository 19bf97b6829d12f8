internal import CUsrsctp
internal import Synchronization
internal import Wire

/// The one owner of usrsctp in this process.
///
/// usrsctp is process-global: it has one list of timers and one tick counter, and a tick fires the timers of every
/// association on the thread that ticks. So all calls go through one lock, and all callers must pass instants of one clock.
/// Packets that a tick makes for another's association wait in that one's mailbox until it is called; an association that
/// waits for a timer asks to be called every 10 ms, all of them at the same instants.
///
/// Time begins anew when the first association is made, and when it goes back by more than a second: simulations run one after
/// the other in one process, each from zero. Two at a time cannot share it.
package final class SCTPEngine: Sendable {
    package static let shared = SCTPEngine()

    private let state = Mutex(State())

    private struct State {
        var clock = TickClock()
        var isStarted = false
        var livingCount = 0
        /// Numbers registered with usrsctp that no association has. They are registered once and never deregistered: that
        /// would wake usrsctp's iterator thread, which reads the real clock and takes locks when it likes.
        var freeNumbers: [Int] = []
        /// 0 would be a null pointer.
        var nextNumber = 1

        mutating func tick(to now: Instant) {
            let elapsed = clock.elapsedTicks(at: now)
            if elapsed > 0 { usrsctp_handle_timers(elapsed) }
        }

        mutating func takeNumber() -> Int { freeNumbers.popLast() ?? makeNumber() }

        mutating func makeNumber() -> Int {
            let number = nextNumber
            nextNumber += 1
            usrsctp_register_address(UnsafeMutableRawPointer(bitPattern: number))
            return number
        }
    }

    /// How many numbers are tried for a socket.
    private static let numberAttempts = 9

    private init() {}

    /// How many associations hold a socket.
    package var livingCount: Int { state.withLock { $0.livingCount } }

    /// Time begins anew with the next instant, whatever is still alive: another world begins. Who is left over from the one
    /// before must not be called any more.
    package func beginTimeline() { state.withLock { $0.clock.reset() } }

    /// Runs `body` inside usrsctp, with usrsctp's time brought up to `now` first.
    func enter<Result: Sendable>(at now: Instant, _ body: () -> Result) -> Result {
        state.withLock { state in
            state.tick(to: now)
            return body()
        }
    }

    /// A new socket, or `nil` where usrsctp has no memory or refuses the configuration.
    func open(_ configuration: SCTPConfiguration, at now: Instant) -> SCTPSocket? {
        state.withLock { state in
            if !state.isStarted {
                start()
                state.isStarted = true
            }
            // With nobody alive no timer is left that could notice a leap, forward or back.
            if state.livingCount == 0 { state.clock.reset() }
            state.tick(to: now)
            // A free number can be taken still, by an endpoint that usrsctp keeps until a timer ends it; a new one cannot.
            for attempt in 0..<Self.numberAttempts {
                let number = attempt < Self.numberAttempts - 1 ? state.takeNumber() : state.makeNumber()
                Mailboxes.open(number)
                guard let socket = SCTPSocket(number: number, configuration: configuration) else {
                    Mailboxes.close(number)
                    state.freeNumbers.insert(number, at: 0)
                    continue
                }
                state.livingCount += 1
                return socket
            }
            return nil
        }
    }

    /// Ends the socket at once, sends an ABORT where there is a peer, and answers with what was left to send.
    func close(_ socket: SCTPSocket, at now: Instant?) -> [[UInt8]] {
        state.withLock { state in
            if let now { state.tick(to: now) }
            socket.close()
            let last = Mailboxes.empty(socket.number)
            Mailboxes.close(socket.number)
            state.freeNumbers.append(socket.number)
            state.livingCount -= 1
            return last.packets
        }
    }
}

/// Starts usrsctp without timer and receive threads, and with the settings that belong to the process.
private func start() {
    parallax_sctp_start(takePacket)
    // The path under an association is one DTLS connection: no addresses to change, no congestion marks, no second path,
    // no late packets of a former association under the same tag.
    _ = usrsctp_sysctl_set_sctp_asconf_enable(0)
    _ = usrsctp_sysctl_set_sctp_auto_asconf(0)
    _ = usrsctp_sysctl_set_sctp_auth_enable(0)
    _ = usrsctp_sysctl_set_sctp_ecn_enable(0)
    _ = usrsctp_sysctl_set_sctp_nrsack_enable(0)
    _ = usrsctp_sysctl_set_sctp_pktdrop_enable(0)
    _ = usrsctp_sysctl_set_sctp_vtag_time_wait(0)
    _ = usrsctp_sysctl_set_sctp_blackhole(2)
    // An initial window of ten packets, as TCP has it (RFC 6928), and no bound on a burst: events come in bursts, and the
    // default of four packets a round trip makes each one wait.
    _ = usrsctp_sysctl_set_sctp_initial_cwnd(10)
    _ = usrsctp_sysctl_set_sctp_max_burst_default(0)
    _ = usrsctp_sysctl_set_sctp_fr_max_burst_default(0)
}
