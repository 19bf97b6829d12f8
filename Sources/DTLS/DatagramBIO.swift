internal import COpenSSL
internal import Wire

/// What OpenSSL reads from and writes to instead of a socket: datagrams stay datagrams, which `BIO_s_mem` does not do.
///
/// The `BIO` refers to this object without owning it, so it must outlive the `SSL` that holds the `BIO`.
final class DatagramBIO {
    private var outbound: BoundedQueue<[UInt8]>
    private var inbound: UnsafeRawBufferPointer?
    private let mtu: Int

    init(mtu: Int, outboundLimit: Int) {
        self.mtu = mtu
        outbound = BoundedQueue(limit: outboundLimit)
    }

    /// A new `BIO` over this object. The caller owns it and hands it to one `SSL`.
    func makeHandle() -> OpaquePointer? {
        guard let method = BIOMethod.shared.handle, let handle = BIO_new(method) else { return nil }
        BIO_set_data(handle, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(handle, 1)
        return handle
    }

    /// Lends a datagram to OpenSSL while `body` runs.
    func lend(_ datagram: UnsafeRawBufferPointer, to body: () -> Void) {
        inbound = datagram
        body()
        inbound = nil
    }

    var isFull: Bool { outbound.count >= outbound.limit }

    func popOutbound() -> [UInt8]? { outbound.popFirst() }

    /// One read is one datagram; what the buffer cannot take of it is lost, as with `recv`.
    fileprivate func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        guard let datagram = inbound else { return nil }
        inbound = nil
        let count = min(datagram.count, buffer.count)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: datagram[..<count]))
        return count
    }

    /// One write is one datagram. Over the limit it is lost: the handshake's timer brings it back.
    fileprivate func write(_ bytes: UnsafeRawBufferPointer) { outbound.append([UInt8](bytes)) }

    fileprivate func control(_ command: Int32) -> Int {
        switch command {
        case BIO_CTRL_FLUSH, BIO_CTRL_DUP: 1
        case BIO_CTRL_DGRAM_QUERY_MTU, BIO_CTRL_DGRAM_GET_FALLBACK_MTU: mtu
        // Headers of IPv4 and UDP; the MTU that we set is already without them.
        case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: 28
        default: 0
        }
    }
}

/// The table of functions, made once for the process and never freed.
///
/// `@unchecked Sendable` holds because it is written only in `init`, and OpenSSL only reads it.
private final class BIOMethod: @unchecked Sendable {
    static let shared = BIOMethod()
    let handle: OpaquePointer?

    private init() {
        handle = BIO_meth_new(parallax_BIO_TYPE_datagram(), "parallax datagrams")
        guard let handle else { return }
        BIO_meth_set_read(handle, readDatagram)
        BIO_meth_set_write(handle, writeDatagram)
        BIO_meth_set_ctrl(handle, controlDatagrams)
    }
}

private func owner(_ handle: OpaquePointer?) -> DatagramBIO? {
    BIO_get_data(handle).map { Unmanaged<DatagramBIO>.fromOpaque($0).takeUnretainedValue() }
}

private func readDatagram(_ handle: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int32) -> Int32 {
    parallax_BIO_clear_retry_flags(handle)
    let destination = UnsafeMutableRawBufferPointer(start: buffer, count: max(Int(count), 0))
    guard let read = owner(handle)?.read(into: destination) else {
        // Not the end of a stream: nothing has arrived yet.
        parallax_BIO_set_retry_read(handle)
        return -1
    }
    return Int32(read)
}

private func writeDatagram(_ handle: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
    parallax_BIO_clear_retry_flags(handle)
    owner(handle)?.write(UnsafeRawBufferPointer(start: bytes, count: max(Int(count), 0)))
    return count
}

private func controlDatagrams(
    _ handle: OpaquePointer?, _ command: Int32, _ argument: Int, _ pointer: UnsafeMutableRawPointer?
) -> Int {
    owner(handle)?.control(command) ?? 0
}
