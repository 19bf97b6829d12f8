"""Broken rules of the control stream (RFC 9114 sections 6.2.1, 7.2): each ends its connection with the right code."""

import harness
from harness import Case
from violations import (
    CANCEL_PUSH,
    CONTROL,
    DATA,
    GOAWAY,
    H3_CLOSED_CRITICAL_STREAM,
    H3_FRAME_ERROR,
    H3_FRAME_UNEXPECTED,
    H3_ID_ERROR,
    H3_MISSING_SETTINGS,
    H3_SETTINGS_ERROR,
    H3_STREAM_CREATION_ERROR,
    HEADERS,
    MAX_PUSH_ID,
    PUSH_PROMISE,
    SETTINGS,
    RawHTTP3,
    Rule,
    check_rules,
    frame,
    settings_frame,
)

PRIORITY_OF_HTTP2 = 0x2


def control(*frames: bytes):
    return lambda client: client.open_control(b"".join(frames))


def two_control_streams(client: RawHTTP3) -> None:
    client.open_control()
    client.open_control()


def reset_control(client: RawHTTP3) -> None:
    stream = client.open_control()
    client.transmit()
    client.quic.reset_stream(stream, 0)


RULES = [
    Rule("a frame before SETTINGS", control(frame(GOAWAY, b"\0")), {H3_MISSING_SETTINGS}),
    Rule("SETTINGS twice", control(settings_frame(), settings_frame()), {H3_FRAME_UNEXPECTED}),
    Rule("DATA", control(settings_frame(), frame(DATA, b"x")), {H3_FRAME_UNEXPECTED}),
    Rule("HEADERS", control(settings_frame(), frame(HEADERS, b"x")), {H3_FRAME_UNEXPECTED}),
    Rule("PUSH_PROMISE", control(settings_frame(), frame(PUSH_PROMISE, b"\0")), {H3_FRAME_UNEXPECTED}),
    Rule("PRIORITY of HTTP/2", control(settings_frame(), frame(PRIORITY_OF_HTTP2, b"x")), {H3_FRAME_UNEXPECTED}),
    Rule("a setting of HTTP/2", control(settings_frame([(0x2, 1)])), {H3_SETTINGS_ERROR}),
    Rule("one setting twice", control(settings_frame([(0x6, 100), (0x6, 100)])), {H3_SETTINGS_ERROR}),
    Rule("H3_DATAGRAM of 2", control(settings_frame([(0x33, 2)])), {H3_SETTINGS_ERROR}),
    Rule("a setting cut short", control(frame(SETTINGS, b"\x06\x80")), {H3_FRAME_ERROR, H3_SETTINGS_ERROR}),
    Rule(
        "MAX_PUSH_ID that falls",
        control(settings_frame(), frame(MAX_PUSH_ID, b"\x09"), frame(MAX_PUSH_ID, b"\x08")),
        {H3_ID_ERROR},
    ),
    Rule(
        "CANCEL_PUSH of what was never promised",
        control(settings_frame(), frame(CANCEL_PUSH, b"\x09")),
        {H3_ID_ERROR},
    ),
    Rule("two control streams", two_control_streams, {H3_STREAM_CREATION_ERROR}),
    Rule(
        "the end of the control stream",
        lambda client: client.open_unidirectional(CONTROL, settings_frame(), end=True),
        {H3_CLOSED_CRITICAL_STREAM},
    ),
    Rule("a reset of the control stream", reset_control, {H3_CLOSED_CRITICAL_STREAM, H3_MISSING_SETTINGS}),
]


async def case(case: Case) -> None:
    await check_rules(case, RULES)


if __name__ == "__main__":
    harness.run(case)
