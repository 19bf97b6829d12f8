"""Broken rules of the other streams and of datagrams (RFC 9114 section 6.2, RFC 9204 section 4, RFC 9297 section 2)."""

import harness
from harness import Case
from realtime import encode_varint
from violations import (
    CONNECT_HEADERS,
    H3_CLOSED_CRITICAL_STREAM,
    H3_DATAGRAM_ERROR,
    H3_ID_ERROR,
    H3_STREAM_CREATION_ERROR,
    HEADERS,
    PUSH,
    QPACK_DECODER,
    QPACK_DECODER_STREAM_ERROR,
    QPACK_DECOMPRESSION_FAILED,
    QPACK_ENCODER,
    QPACK_ENCODER_STREAM_ERROR,
    WEBTRANSPORT,
    RawHTTP3,
    Rule,
    check_rules,
    frame,
    headers_frame,
)


def stream(kind: int, data: bytes = b"", end: bool = False):
    def send(client: RawHTTP3) -> None:
        client.open_control()
        client.open_unidirectional(kind, data, end)

    return send


def twice(kind: int):
    def send(client: RawHTTP3) -> None:
        client.open_control()
        client.open_unidirectional(kind)
        client.open_unidirectional(kind)

    return send


def block(data: bytes):
    def send(client: RawHTTP3) -> None:
        client.open_control()
        client.open_request(frame(HEADERS, data))

    return send


def datagram(data: bytes):
    def send(client: RawHTTP3) -> None:
        client.open_control()
        client.open_request(headers_frame(CONNECT_HEADERS.items()))
        client.quic.send_datagram_frame(data)

    return send


def beside_session(kind: int, data: bytes):
    def send(client: RawHTTP3) -> None:
        client.open_control()
        client.open_request(headers_frame(CONNECT_HEADERS.items()))
        client.open_unidirectional(kind, data)

    return send


RULES = [
    Rule("two QPACK encoder streams", twice(QPACK_ENCODER), {H3_STREAM_CREATION_ERROR}),
    Rule("two QPACK decoder streams", twice(QPACK_DECODER), {H3_STREAM_CREATION_ERROR}),
    Rule("a push stream of a client", stream(PUSH, b"\0"), {H3_STREAM_CREATION_ERROR}),
    Rule("the end of the encoder stream", stream(QPACK_ENCODER, end=True), {H3_CLOSED_CRITICAL_STREAM}),
    Rule("the end of the decoder stream", stream(QPACK_DECODER, end=True), {H3_CLOSED_CRITICAL_STREAM}),
    # Set Dynamic Table Capacity, far over what the server offers (RFC 9204 section 4.3.1).
    Rule("a table over the limit", stream(QPACK_ENCODER, b"\x3f\xe1\xff\xff\x7f"), {QPACK_ENCODER_STREAM_ERROR}),
    # Insert Count Increment of 0 (RFC 9204 section 4.4.3).
    Rule("an increment of nothing", stream(QPACK_DECODER, b"\x00"), {QPACK_DECODER_STREAM_ERROR}),
    # An indexed field line with static index 99, which is one too many (RFC 9204 appendix A).
    Rule("a static index too high", block(b"\0\0\xff\x24"), {QPACK_DECOMPRESSION_FAILED}),
    Rule("a field block of one byte", block(b"\0"), {QPACK_DECOMPRESSION_FAILED}),
    Rule("a datagram without its varint", datagram(b"\xc0"), {H3_DATAGRAM_ERROR}),
    Rule("a quarter stream ID over 2^60", datagram(encode_varint(1 << 60)), {H3_DATAGRAM_ERROR}),
    Rule("a WebTransport stream of session 2", beside_session(WEBTRANSPORT, b"\x02"), {H3_ID_ERROR}),
]


async def case(case: Case) -> None:
    await check_rules(case, RULES)


if __name__ == "__main__":
    harness.run(case)
