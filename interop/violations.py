"""HTTP/3 by hand over aioquic's bare QUIC, to break its rules one at a time: a row a rule, a connection a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterable

import pylsqpack
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import QuicEvent, StopSendingReceived, StreamDataReceived, StreamReset

from attachment import QUICAttachment, Unexpected
from conversation import begin
from harness import Case
from realtime import encode_varint
from webtransport import PATH, WebTransport

# Frame types (RFC 9114 section 7.2).
DATA, HEADERS, CANCEL_PUSH, SETTINGS, PUSH_PROMISE, GOAWAY, MAX_PUSH_ID = 0x0, 0x1, 0x3, 0x4, 0x5, 0x7, 0xD
# Stream types (RFC 9114 section 6.2, RFC 9204 section 4.2, draft-ietf-webtrans-http3 section 4).
CONTROL, PUSH, QPACK_ENCODER, QPACK_DECODER, WEBTRANSPORT = 0x0, 0x1, 0x2, 0x3, 0x54

# Error codes (RFC 9114 section 8.1, RFC 9204 section 6, RFC 9297 section 5.2).
H3_DATAGRAM_ERROR = 0x33
H3_NO_ERROR = 0x100
H3_STREAM_CREATION_ERROR = 0x103
H3_CLOSED_CRITICAL_STREAM = 0x104
H3_FRAME_UNEXPECTED = 0x105
H3_FRAME_ERROR = 0x106
H3_ID_ERROR = 0x108
H3_SETTINGS_ERROR = 0x109
H3_MISSING_SETTINGS = 0x10A
H3_REQUEST_INCOMPLETE = 0x10D
H3_MESSAGE_ERROR = 0x10E
QPACK_DECOMPRESSION_FAILED = 0x200
QPACK_ENCODER_STREAM_ERROR = 0x201
QPACK_DECODER_STREAM_ERROR = 0x202

# What a client that speaks WebTransport says of itself.
USUAL_SETTINGS = {0x1: 0, 0x7: 0, 0x8: 1, 0x33: 1, 0x2B603742: 1}
CONNECT_HEADERS = {
    ":method": "CONNECT",
    ":scheme": "https",
    ":authority": "127.0.0.1",
    ":path": PATH,
    ":protocol": "webtransport",
}


def frame(kind: int, payload: bytes = b"") -> bytes:
    return encode_varint(kind) + encode_varint(len(payload)) + payload


def settings_frame(settings: Iterable[tuple[int, int]] = tuple(USUAL_SETTINGS.items())) -> bytes:
    return frame(SETTINGS, b"".join(encode_varint(name) + encode_varint(value) for name, value in settings))


def headers_frame(fields: Iterable[tuple[str, str]]) -> bytes:
    encoder = pylsqpack.Encoder()
    _, block = encoder.encode(0, [(name.encode(), value.encode()) for name, value in fields])
    return frame(HEADERS, block)


class RawHTTP3(QUICAttachment):
    """A connection of ALPN h3 that does only what a row says."""

    def __init__(self, quic: QuicConnection, *arguments: Any, **options: Any) -> None:
        super().__init__(quic, *arguments, **options)
        # By stream: the code of its RESET_STREAM or STOP_SENDING.
        self.refusals: dict[int, set[int]] = {}
        self.answers: dict[int, bytes] = {}

    def open_unidirectional(self, kind: int, data: bytes = b"", end: bool = False) -> int:
        return self._open(True, encode_varint(kind) + data, end)

    def open_request(self, data: bytes, end: bool = False) -> int:
        return self._open(False, data, end)

    def open_control(self, data: bytes | None = None) -> int:
        return self.open_unidirectional(CONTROL, settings_frame() if data is None else data)

    def _open(self, is_unidirectional: bool, data: bytes, end: bool) -> int:
        stream = self.quic.get_next_available_stream_id(is_unidirectional=is_unidirectional)
        self.quic.send_stream_data(stream, data, end)
        return stream

    def transport_event(self, event: QuicEvent) -> None:
        if isinstance(event, (StreamReset, StopSendingReceived)):
            self.refusals.setdefault(event.stream_id, set()).add(event.error_code)
        elif isinstance(event, StreamDataReceived):
            self.answers[event.stream_id] = self.answers.get(event.stream_id, b"") + event.data


@dataclass(frozen=True)
class Rule:
    """What a client must not do, and the codes with which a server may answer it."""

    title: str
    broken_by: Callable[[RawHTTP3], Any]
    codes: set[int]
    # A fault of one request may be answered on its stream alone, or with a status of 400.
    is_of_stream: bool = False


async def check_rules(case: Case, rules: list[Rule]) -> None:
    """Breaks each rule on a connection of its own; after all of them a session must still open."""
    failures: list[str] = []
    async with case.serve() as server:
        for rule in rules:
            async with case.connect(server, RawHTTP3) as client:
                outcome = await break_rule(client, rule)
            print(f"{'ok  ' if outcome is None else 'FAIL'} {rule.title}: {outcome or 'as it should be'}", flush=True)
            if outcome is not None:
                failures.append(f"{rule.title}: {outcome}")
        async with case.connect(server, WebTransport) as client:
            await client.open_session()
            await begin(client, "datagram")
    if failures:
        raise Unexpected("; ".join(failures))


async def break_rule(client: RawHTTP3, rule: Rule) -> str | None:
    """What was wrong with the answer, if anything was."""
    broken_on = rule.broken_by(client)
    client.transmit()

    def answered() -> bool:
        on_stream = rule.is_of_stream and (broken_on in client.refusals or broken_on in client.answers)
        return client.termination is not None or on_stream

    wanted = " or ".join(f"{code:#x}" for code in sorted(rule.codes))
    try:
        await client.until(answered, "an answer", 3)
    except Unexpected:
        return f"no answer, wanted {wanted}"
    if client.termination is not None:
        code = client.termination.error_code
        return None if code in rule.codes else f"closed with {code:#x}, wanted {wanted}"
    if codes := client.refusals.get(broken_on):
        return None if codes <= rule.codes else f"stream refused with {[hex(code) for code in codes]}, wanted {wanted}"
    return None if client.answers[broken_on][:1] == b"\x01" else "something other than HEADERS came"
