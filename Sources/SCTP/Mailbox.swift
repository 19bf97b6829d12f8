internal import CUsrsctp
internal import Synchronization

/// What usrsctp said to one association while somebody was inside it, copied, to be read when the call has returned.
struct Mailbox {
    /// SCTP packets to be sent.
    var packets: [[UInt8]] = []
    var arrivals: [Arrival] = []

    enum Arrival {
        /// The next bytes of a message; the last ones if `isEnd`.
        case piece(stream: UInt16, protocolID: UInt32, isUnordered: Bool, bytes: [UInt8], isEnd: Bool)
        /// One of the structures of RFC 6458 section 6.1, as bytes.
        case notification([UInt8])
        /// The socket's association is no more.
        case end
    }

    var isEmpty: Bool { packets.isEmpty && arrivals.isEmpty }
}

/// The mailboxes of all associations, by the number that usrsctp knows each by.
///
/// usrsctp's callbacks carry no context but that number, and they come on the thread that is inside usrsctp, which holds
/// the engine's lock. So this table has a lock of its own, taken last and held for a copy. The number is no address: a
/// callback for an association that is gone finds an empty place, where a pointer would have been a use after free.
enum Mailboxes {
    private static let table = Mutex<[Mailbox?]>([])

    static func open(_ number: Int) {
        table.withLock { table in
            while table.count <= number { table.append(nil) }
            table[number] = Mailbox()
        }
    }

    static func close(_ number: Int) {
        table.withLock { table in
            if number < table.count { table[number] = nil }
        }
    }

    /// What arrived since the last call.
    static func empty(_ number: Int) -> Mailbox {
        table.withLock { table in
            guard number < table.count, let mailbox = table[number], !mailbox.isEmpty else { return Mailbox() }
            table[number] = Mailbox()
            return mailbox
        }
    }

    /// The packets alone; the rest stays.
    static func takePackets(_ number: Int) -> [[UInt8]] {
        table.withLock { table in
            guard number < table.count, let packets = table[number]?.packets else { return [] }
            table[number]?.packets = []
            return packets
        }
    }

    static func put(packet: [UInt8], _ number: Int) {
        table.withLock { table in
            if number < table.count { table[number]?.packets.append(packet) }
        }
    }

    static func put(_ arrival: Mailbox.Arrival, _ number: Int) {
        table.withLock { table in
            if number < table.count { table[number]?.arrivals.append(arrival) }
        }
    }
}

/// usrsctp's output function: `address` is the number of the association that sends.
func takePacket(
    address: UnsafeMutableRawPointer?, packet: UnsafeMutableRawPointer?, byteCount: Int, tos: UInt8, dontFragment: UInt8
) -> Int32 {
    guard let packet else { return 0 }
    let bytes = [UInt8](UnsafeRawBufferPointer(start: packet, count: byteCount))
    Mailboxes.put(packet: bytes, Int(bitPattern: address))
    return 0
}

/// usrsctp's receive function. Copies, frees and returns: it must not call back into usrsctp.
func takeArrival(
    socket: OpaquePointer?, address: sctp_sockstore, data: UnsafeMutableRawPointer?, byteCount: Int, info: sctp_rcvinfo,
    flags: Int32, owner: UnsafeMutableRawPointer?
) -> Int32 {
    let number = Int(bitPattern: owner)
    guard let data else {
        Mailboxes.put(.end, number)
        return 1
    }
    let bytes = [UInt8](UnsafeRawBufferPointer(start: data, count: byteCount))
    parallax_sctp_free(data)
    if flags & MSG_NOTIFICATION != 0 {
        Mailboxes.put(.notification(bytes), number)
    } else {
        Mailboxes.put(
            .piece(
                stream: info.rcv_sid, protocolID: UInt32(bigEndian: info.rcv_ppid),
                isUnordered: Int32(info.rcv_flags) & SCTP_UNORDERED != 0, bytes: bytes,
                isEnd: flags & parallax_sctp_end_of_record != 0),
            number)
    }
    return 1
}
