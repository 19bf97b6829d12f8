internal import Glibc

/// Why a driver could not do what its user asked for. `code` is stable and meant for programs, `description` is one
/// line for people that says what happened and what to do.
package enum DriverError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Another process listens on the port.
    case portInUse(host: String, port: Int)
    /// The name does not resolve, or is no address.
    case hostUnknown(host: String)
    /// The address belongs to no interface of this machine.
    case addressNotAvailable(host: String)
    /// The operating system does not permit it: ports below 1024, a sandbox.
    case permissionDenied(host: String, port: Int)
    /// Another error of the operating system's.
    case socket(operation: String, code: Int32, text: String)

    /// What an error of the operating system's at `operation` means for a listener.
    init(_ operation: String, _ code: Int32, host: String, port: Int) {
        self =
            switch code {
            case EADDRINUSE: .portInUse(host: host, port: port)
            case EADDRNOTAVAIL: .addressNotAvailable(host: host)
            case EACCES, EPERM: .permissionDenied(host: host, port: port)
            default: .socket(operation: operation, code: code, text: String(cString: strerror(code)))
            }
    }

    package var code: String {
        switch self {
        case .portInUse: "port_in_use"
        case .hostUnknown: "host_unknown"
        case .addressNotAvailable: "address_not_available"
        case .permissionDenied: "permission_denied"
        case .socket: "socket_error"
        }
    }

    package var description: String {
        switch self {
        case .portInUse(let host, let port):
            "port \(port) on \(host) is in use: stop the other program or choose another with --port"
        case .hostUnknown(let host):
            "\(host) is no address and does not resolve: check the spelling or give an IP address"
        case .addressNotAvailable(let host):
            "\(host) is not an address of this machine: use 127.0.0.1, 0.0.0.0 or one that `ip address` lists"
        case .permissionDenied(let host, let port):
            "not permitted to use port \(port) on \(host): ports below 1024 need a privilege; choose a higher --port"
        case .socket(let operation, _, let text):
            "\(operation) failed: \(text)"
        }
    }
}
