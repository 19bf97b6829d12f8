internal import Framing
internal import Session
internal import Wire

/// The body of a call as a form: the first line of the input is the request's `Content-Type`, the rest is the body.
func fuzzForm(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let bytes = [UInt8](input)
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
    let type = FieldParameters(String(decoding: bytes[..<end], as: UTF8.self))
    let body = Array(bytes[end...].dropFirst())
    guard let form = try? MultipartForm(parsing: body.span, contentType: type) else { return false }
    try expect(form.parts.count <= MultipartForm.Limits().parts, "no more parts than may be")
    try expect(form.parts.reduce(0) { $0 + $1.body.count } <= body.count, "each byte belongs to one part at most")
    // What a call is made of, as the server reads it.
    if let session = form.part("session") { _ = try? SessionProposal(parsing: session.body, limits: SessionLimits()) }

    let boundary = type.parameters["boundary"] ?? ""
    var limits = MultipartForm.Limits()
    // A name may grow when it is written: by its escapes, and by what stands for bytes that were no UTF-8.
    limits.headerBytes *= 8
    let again = try? MultipartForm(parsing: written(form, boundary: boundary).span, contentType: type, limits: limits)
    try expect(again == form, "a form survives the round trip")
    return true
}

private func written(_ form: MultipartForm, boundary: String) -> [UInt8] {
    var bytes: [UInt8] = []
    for part in form.parts {
        var head = "--\(boundary)\r\nContent-Disposition: form-data; name=\""
        for scalar in part.name.unicodeScalars {
            // A line feed, too, can only have come behind a backslash, where the line's end would be.
            if scalar == "\"" || scalar == "\\" || scalar == "\n" { head += "\\" }
            head.unicodeScalars.append(scalar)
        }
        head += "\"\r\n"
        if let type = part.contentType { head += "Content-Type: \(type)\r\n" }
        bytes += Array((head + "\r\n").utf8) + part.body + [13, 10]
    }
    return bytes + Array("--\(boundary)--\r\n".utf8)
}

/// One JSON text: as a value of any kind, as the session that a call asks for, and as base64.
func fuzzJSON(_ input: Span<UInt8>) throws(FuzzFinding) -> Bool {
    let bytes = [UInt8](input)
    if let text = String(validating: bytes, as: UTF8.self), let decoded = JSON.decodeBase64(text) {
        try expect(JSON.decodeBase64(JSON.encodeBase64(decoded)) == decoded, "base64 survives the round trip")
    }
    let limits = SessionLimits()
    if let proposal = try? SessionProposal(parsing: bytes, limits: limits) {
        let capabilities = Capabilities(transport: "webrtc", modes: ReliabilityMode.allCases)
        let object = try? proposal.object(
            id: "sess_1", configuration: SessionConfiguration(), capabilities: capabilities, limits: limits)
        if let object { try expect(!JSON.encode(object).isEmpty, "a session that is granted can be written") }
    }
    guard let value = try? JSON.decode(JSONValue.self, from: bytes, depthLimit: limits.eventDepth) else { return false }
    let written = JSON.encode(value)
    // A number may be written otherwise than it came, and then stays.
    let again = try? JSON.decode(JSONValue.self, from: written, depthLimit: limits.eventDepth)
    try expect(again.map(JSON.encode) == written, "what was written once is written the same again")
    return true
}
