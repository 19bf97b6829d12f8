internal import Glibc

/// Why there can be no trials over the real kernel. `code` is stable and meant for programs; `description` is one line
/// that says what happened and what to do.
package enum RealFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// `/dev/net/tun` is not there.
    case noTUN
    /// It is there, and this user may not open it or make a device of it.
    case tunForbidden(reason: String)
    /// Neither a network namespace of its own nor a user namespace to make one in.
    case namespacesForbidden(reason: String)
    /// Another call of the operating system's failed.
    case system(operation: String, reason: String)
    /// What the network's process said, where it could not begin.
    case refused(code: String, description: String)
    /// A process of the run ended, or said what cannot be read.
    case process(name: String, reason: String)

    package var code: String {
        switch self {
        case .noTUN: "no_tun"
        case .tunForbidden: "tun_forbidden"
        case .namespacesForbidden: "namespaces_forbidden"
        case .system: "real_system_error"
        case .refused(let code, _): code
        case .process: "real_process_failed"
        }
    }

    package var description: String {
        switch self {
        case .noTUN:
            "/dev/net/tun is missing: load the module with 'modprobe tun', or start the container with --device /dev/net/tun"
        case .tunForbidden(let reason):
            "a TUN device is not permitted (\(reason)): run as root, or let everybody open it with 'chmod 666 /dev/net/tun', which gives rights in namespaces of one's own only"
        case .namespacesForbidden(let reason):
            "network namespaces are not permitted (\(reason)): run as root, or allow user namespaces: 'sysctl kernel.apparmor_restrict_unprivileged_userns=0' on Ubuntu, 'sysctl user.max_user_namespaces=10000' elsewhere; in a container add --cap-add SYS_ADMIN --cap-add NET_ADMIN"
        case .system(let operation, let reason): "\(operation) failed: \(reason)"
        case .refused(_, let description): description
        case .process(let name, let reason): "the \(name) process \(reason)"
        }
    }

    /// What `errno` says of a call that has just failed.
    static func system(_ operation: String) -> RealFailure { .system(operation: operation, reason: reason) }

    static var reason: String { String(cString: strerror(errno)) }
}
