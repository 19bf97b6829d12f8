"""Broken rules of requests (RFC 9114 section 4.1, RFC 9220 section 3): the connection or the request is refused."""

import harness
from harness import Case
from violations import (
    CANCEL_PUSH,
    CONNECT_HEADERS,
    DATA,
    GOAWAY,
    H3_FRAME_UNEXPECTED,
    H3_MESSAGE_ERROR,
    H3_REQUEST_INCOMPLETE,
    MAX_PUSH_ID,
    PUSH_PROMISE,
    SETTINGS,
    Rule,
    check_rules,
    frame,
    headers_frame,
)


def request(data: bytes, end: bool = False):
    def send(client):
        client.open_control()
        return client.open_request(data, end)

    return send


def fields(*changes: tuple[str, str], without: str = "") -> bytes:
    usual = [(name, value) for name, value in CONNECT_HEADERS.items() if name != without]
    return headers_frame([*usual, *changes])


def malformed(title: str, block: bytes) -> Rule:
    return Rule(title, request(block), {H3_MESSAGE_ERROR}, is_of_stream=True)


RULES = [
    Rule("DATA before HEADERS", request(frame(DATA, b"x")), {H3_FRAME_UNEXPECTED}),
    Rule("SETTINGS", request(frame(SETTINGS)), {H3_FRAME_UNEXPECTED}),
    Rule("GOAWAY", request(frame(GOAWAY, b"\0")), {H3_FRAME_UNEXPECTED}),
    Rule("CANCEL_PUSH", request(frame(CANCEL_PUSH, b"\0")), {H3_FRAME_UNEXPECTED}),
    Rule("MAX_PUSH_ID", request(frame(MAX_PUSH_ID, b"\0")), {H3_FRAME_UNEXPECTED}),
    Rule("PUSH_PROMISE", request(frame(PUSH_PROMISE, b"\0")), {H3_FRAME_UNEXPECTED}),
    Rule(
        "an end before the request",
        request(b"", end=True),
        {H3_REQUEST_INCOMPLETE, H3_MESSAGE_ERROR},
        is_of_stream=True,
    ),
    malformed("no :method", fields(without=":method")),
    malformed("no :path", fields(without=":path")),
    malformed(":method twice", fields((":method", "CONNECT"))),
    malformed("a pseudo-header of a response", fields((":status", "200"))),
    malformed("an unknown pseudo-header", fields((":luck", "good"))),
    malformed("a pseudo-header behind a field", headers_frame([("x", "y"), *CONNECT_HEADERS.items()])),
    malformed("an upper-case name", fields(("X-Upper", "y"))),
    malformed("a field of connections", fields(("connection", "close"))),
]


async def case(case: Case) -> None:
    await check_rules(case, RULES)


if __name__ == "__main__":
    harness.run(case)
