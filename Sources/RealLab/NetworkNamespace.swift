internal import CNamespaces
internal import Glibc

/// A network namespace with a TUN device in it, whose other end is a descriptor. It lives as long as a process in it or
/// the descriptor does, and so leaves nothing behind.
struct NetworkNamespace {
    /// A read is one IP packet that came out of the namespace, a write one that goes in. Reads do not wait.
    let device: Int32

    private static let deviceName = "real0"
    /// What Ethernet carries.
    private static let packetByteCount: Int32 = 1500
    /// Linux's own choice, and the model's; a machine may have been told another one, and pace where this does not.
    private static let congestionControl = "cubic"
    /// Packets that wait to be read: far more than a relay that keeps up ever sees.
    private static let queueLength: Int32 = 10_000

    /// Moves this thread into a new namespace, that of the clients, and from that into a second, that of the server, and
    /// makes their devices. What this thread starts belongs to the namespace in which it then is.
    ///
    /// - Parameter startClients: starts what lives with the clients, before the thread moves on.
    static func makeBoth(startClients: () throws(RealFailure) -> Void) throws(RealFailure) -> (client: NetworkNamespace, server: NetworkNamespace) {
        try enterFirst()
        let client = try NetworkNamespace(address: RealAddresses.device, mask: RealAddresses.deviceMask)
        // A network that the loopback interface has is this machine's, every address of it.
        try Self.check(
            parallax_interface_set_address("lo", RealAddresses.firstClient.bigEndian, RealAddresses.clientMask.bigEndian),
            "giving addresses to clients")
        try Self.check(parallax_interface_up("lo"), "starting the loopback interface")
        try startClients()
        try Self.check(parallax_unshare(Int32(PARALLAX_NETWORK_NAMESPACE)), "making the server's namespace")
        return (client, try NetworkNamespace(address: RealAddresses.server, mask: RealAddresses.serverMask))
    }

    /// The privileged make a network namespace; others make a user namespace, in which they have every privilege over
    /// what they make in it, and nothing else.
    private static func enterFirst() throws(RealFailure) {
        let network = Int32(PARALLAX_NETWORK_NAMESPACE)
        if geteuid() == 0, parallax_unshare(network) == 0 { return }
        let (user, group) = (geteuid(), getegid())
        guard parallax_unshare(network | Int32(PARALLAX_USER_NAMESPACE)) == 0 else {
            throw .namespacesForbidden(reason: RealFailure.reason)
        }
        // Without the first, the kernel takes no map of groups from the unprivileged (user_namespaces(7)).
        for (file, text) in [("setgroups", "deny"), ("uid_map", "0 \(user) 1"), ("gid_map", "0 \(group) 1")] {
            guard write(text, to: "/proc/self/\(file)") else { throw .namespacesForbidden(reason: RealFailure.reason) }
        }
    }

    /// Makes a device in this thread's namespace.
    private init(address: UInt32, mask: UInt32) throws(RealFailure) {
        device = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)
        guard device >= 0 else {
            throw errno == ENOENT || errno == ENODEV || errno == ENXIO ? .noTUN : .tunForbidden(reason: RealFailure.reason)
        }
        guard parallax_tun_attach(device, Self.deviceName) == 0 else { throw .tunForbidden(reason: RealFailure.reason) }
        try Self.check(
            parallax_interface_set_limits(Self.deviceName, Self.packetByteCount, Self.queueLength), "setting a device's limits")
        try Self.check(
            parallax_interface_set_address(Self.deviceName, address.bigEndian, mask.bigEndian), "giving a device its address")
        try Self.check(parallax_interface_up(Self.deviceName), "starting a device")
        try Self.check(
            parallax_interface_set_congestion_control(
                Self.deviceName, (address & mask).bigEndian, UInt32(mask.nonzeroBitCount), Self.congestionControl),
            "choosing \(Self.congestionControl) for TCP")
    }

    private static func check(_ result: Int32, _ operation: String) throws(RealFailure) {
        guard result >= 0 else { throw .system(operation) }
    }

    /// - Returns: whether the file took it.
    static func write(_ text: String, to path: String) -> Bool {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return false }
        defer { close(file) }
        return Glibc.write(file, text, text.utf8.count) == text.utf8.count
    }
}
