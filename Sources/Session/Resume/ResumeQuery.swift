// A resume as the query of a URL has it: WebTransport's CONNECT, the request of a WebSocket, and a call's POST.

extension ResumeRequest {
    /// The pairs of the query. Tokens and ids of events hold nothing that a query must escape.
    package var queryItems: [(name: String, value: String)] {
        var items = [("resume", token)]
        if let lastEventID { items.append(("last_event_id", lastEventID)) }
        if let answerSequence { items.append(("answer_sequence", String(answerSequence))) }
        if let retry {
            items.append(("resume_attempt", String(retry.attempt)))
            items.append(("resume_proof", retry.proof))
        }
        return items
    }

    /// The same as text.
    package var query: String { queryItems.map { "\($0.name)=\($0.value)" }.joined(separator: "&") }

    /// Reads the pairs of a query; `nil` where it names no token.
    package init?(_ query: [String: String]) {
        guard let token = query["resume"] else { return nil }
        self.init(token: token, lastEventID: query["last_event_id"], answerSequence: query["answer_sequence"].flatMap { UInt16($0) })
        if let attempt = query["resume_attempt"].flatMap({ UInt32($0) }), let proof = query["resume_proof"] {
            retry = ResumeRetry(attempt: attempt, proof: proof)
        }
    }
}
