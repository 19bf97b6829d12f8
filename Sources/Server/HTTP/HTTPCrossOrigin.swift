/// CORS (WHATWG Fetch section 3.2) for any page: a browser client runs wherever its author put it, and nothing here
/// stands on cookies, so an origin proves nothing.
enum HTTPCrossOrigin {
    /// What scripts may read beside the safelisted fields.
    static let exposedFields = "Location, ETag, Link, Retry-After, Allow, Accept-Post, Accept-Patch"
    /// How long a browser keeps a preflight, in seconds: two hours are the most that Chromium takes.
    static let maxAgeSeconds = 7_200

    /// Adds the fields that let the page read the answer, whatever its status.
    static func open(_ answer: inout HTTPAnswer, to call: HTTPCall) {
        answer["Access-Control-Allow-Origin"] = call.fields["origin"] ?? "*"
        answer["Vary"] = "Origin"
        answer["Access-Control-Expose-Headers"] = exposedFields
    }

    /// Adds what a preflight asks: its own wishes back, so that a client's extra fields pass.
    static func grant(_ answer: inout HTTPAnswer, to call: HTTPCall, methods: [String]) {
        let wanted = call.fields["access-control-request-method"]
        answer["Access-Control-Allow-Methods"] = (methods + (wanted.map { methods.contains($0) ? [] : [$0] } ?? [])).joined(separator: ", ")
        answer["Access-Control-Allow-Headers"] =
            call.fields["access-control-request-headers"] ?? "Authorization, Content-Type, If-Match"
        answer["Access-Control-Max-Age"] = "\(maxAgeSeconds)"
        // A public page that calls a server on the user's own network or machine (WICG Private Network Access).
        if call.fields["access-control-request-private-network"] == "true" { answer["Access-Control-Allow-Private-Network"] = "true" }
        answer["Vary"] = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
    }
}
