package import Endpoint
internal import Session
internal import WebSocket

/// A stream that was taken in: what to write before anything else, and by which handle the endpoint knows it.
package struct OpenedStream: Hashable, Sendable {
    package var response: [UInt8]
    package var handle: StreamHandle
}

extension HTTPService {
    /// `GET /v1/realtime` with `Upgrade: websocket`: the endpoint takes the stream in, or the answer says why not.
    /// - Returns: `nil` for every other request.
    package func openStream(_ call: HTTPCall) async -> Result<OpenedStream, HTTPError>? {
        guard HTTPRoute(path: call.path) == .realtime, call.method == "GET", let streams else { return nil }
        do throws(HTTPError) {
            let upgrade: WebSocketUpgrade
            do throws(WebSocketUpgrade.Refusal) {
                upgrade = try WebSocketUpgrade(fields: call.fields)
            } catch {
                throw HTTPError(error)
            }
            guard call.query["call_id"] == nil else {
                throw HTTPError(
                    400, "unsupported", "A second connection to a call is not offered: its events travel on its data channel.", param: "call_id")
            }
            // A page cannot set header fields: its secret stands among the sub-protocols, or in the query.
            let request = AttachRequest(
                secret: call.bearer ?? upgrade.secret ?? call.query["client_secret"], model: call.query["model"], resume: ResumeRequest(call.query))
            let offer = StreamOffer(request: request, form: upgrade.form, remoteAddress: call.remoteAddress)
            return .success(OpenedStream(response: upgrade.response, handle: try Self.value(await streams.accept(offer))))
        } catch {
            return .failure(error)
        }
    }
}

extension HTTPError {
    fileprivate init(_ refusal: WebSocketUpgrade.Refusal) {
        switch refusal {
        case .notAnUpgrade, .version: self = .upgradeRequired
        case .malformedKey:
            self.init(400, "invalid_value", "Sec-WebSocket-Key is not 16 bytes in base64.", param: "Sec-WebSocket-Key")
        }
    }
}
