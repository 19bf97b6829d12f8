package import QUIC
package import Session

extension TransportClose {
    /// What the end of the QUIC connection means to the attachment that it carried.
    package init(_ close: QUICClose) {
        switch close {
        case .local(let code): self.init(code: code, reason: "", origin: .local)
        case .application(let code, let reason): self.init(code: code, reason: reason, origin: .peer)
        case .transport(let code, let reason): self.init(code: code, reason: reason, origin: .transportError)
        case .idleTimeout: self.init(code: 0, reason: "nothing was heard for the idle timeout", origin: .timeout)
        case .handshakeTimeout: self.init(code: 0, reason: "the handshake did not finish in time", origin: .timeout)
        case .statelessReset: self.init(code: 0, reason: "the peer has lost the connection's state", origin: .transportError)
        case .versionNegotiation: self.init(code: 0, reason: "the peer speaks no version of QUIC that we do", origin: .transportError)
        case .dropped: self.init(code: 0, reason: "the attempt was dropped", origin: .transportError)
        }
    }
}
