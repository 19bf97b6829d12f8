"""The forms that a Parallax session has on the wire, written a second time and independently of the
project's own Swift: RTP, RTP over QUIC, WebTransport capsules, Realtime events and the prompt's hash."""

from __future__ import annotations

import hashlib
import itertools
import json
import struct
from dataclasses import dataclass
from typing import Any, Iterable, Iterator

Event = dict[str, Any]

MEDIA_FLOW = 0
EVENT_FLOW = 1

OPUS_PAYLOAD_TYPE = 111
EVENT_PAYLOAD_TYPE = 112
FRAME_TICKS = 960  # 20 ms of the 48 kHz clock (RFC 7587 section 4.1)

# WebTransport capsules (draft-ietf-webtrans-http3 section 5).
CLOSE_SESSION = 0x2843
DRAIN_SESSION = 0x78AE

# RTP over QUIC error codes (draft-ietf-avtcore-rtp-over-quic-14 section 10).
ROQ_PACKET_ERROR = 0x03
ROQ_STREAM_CREATION_ERROR = 0x04
ROQ_UNKNOWN_FLOW_ID = 0x06


class Truncated(Exception):
    """The bytes end before the form does."""


def encode_varint(value: int) -> bytes:
    """The shortest QUIC variable-length integer (RFC 9000 section 16)."""
    for exponent in range(4):
        byte_count = 1 << exponent
        if value < 1 << (8 * byte_count - 2):
            return (exponent << (8 * byte_count - 2) | value).to_bytes(byte_count, "big")
    raise ValueError(f"{value} does not fit in 62 bits")


def decode_varint(data: bytes, offset: int = 0) -> tuple[int, int]:
    """The integer at `offset`, and the offset behind it."""
    if offset >= len(data):
        raise Truncated
    byte_count = 1 << (data[offset] >> 6)
    end = offset + byte_count
    if end > len(data):
        raise Truncated
    return int.from_bytes(data[offset:end], "big") & ((1 << (8 * byte_count - 2)) - 1), end


@dataclass(frozen=True)
class RTPPacket:
    """RFC 3550 section 5.1, with neither padding nor contributing sources."""

    sequence: int
    timestamp: int
    payload: bytes
    marker: bool = False
    payload_type: int = OPUS_PAYLOAD_TYPE
    ssrc: int = 0x50415241

    def encode(self) -> bytes:
        second = self.marker << 7 | self.payload_type
        return struct.pack(">BBHII", 0x80, second, self.sequence, self.timestamp, self.ssrc) + self.payload

    @classmethod
    def decode(cls, data: bytes) -> RTPPacket:
        if len(data) < 12:
            raise ValueError("an RTP packet of fewer than 12 bytes")
        first, second, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", data)
        if first >> 6 != 2:
            raise ValueError("not RTP version 2")
        start = 12 + 4 * (first & 0x0F)
        if first & 0x10:
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
        end = len(data) - (data[-1] if first & 0x20 else 0)
        return cls(sequence, timestamp, data[start:end], bool(second & 0x80), second & 0x7F, ssrc)


def packetize(payloads: Iterable[bytes], first_sequence: int = 7, first_timestamp: int = 4_800) -> list[RTPPacket]:
    """One packet a frame; the marker stands on the first of the talk spurt (RFC 3551 section 4.1)."""
    return [
        RTPPacket(
            sequence=first_sequence + index & 0xFFFF,
            timestamp=first_timestamp + index * FRAME_TICKS & 0xFFFF_FFFF,
            payload=payload,
            marker=index == 0,
        )
        for index, payload in enumerate(payloads)
    ]


def roq_datagram(flow: int, packet: bytes) -> bytes:
    """draft-ietf-avtcore-rtp-over-quic-14 section 5.3."""
    return encode_varint(flow) + packet


def roq_stream_packet(packet: bytes) -> bytes:
    """One packet on a stream whose flow identifier has been sent (section 5.2 of the draft)."""
    return encode_varint(len(packet)) + packet


class FlowReader:
    """Takes the bytes of one RTP over QUIC stream in any pieces and gives its packets."""

    def __init__(self) -> None:
        self.flow: int | None = None
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._pending += data
        try:
            if self.flow is None:
                self.flow, offset = decode_varint(self._pending)
                self._pending = self._pending[offset:]
            while True:
                length, offset = decode_varint(self._pending)
                if len(self._pending) < offset + length:
                    return
                packet = self._pending[offset : offset + length]
                self._pending = self._pending[offset + length :]
                yield packet
        except Truncated:
            return


class LineReader:
    """Takes a stream's bytes in any pieces and gives the JSON events of its lines."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        *lines, self._pending = (self._pending + data).split(b"\n")
        return (json.loads(line) for line in lines if line.strip())


def encode_capsule(kind: int, body: bytes = b"") -> bytes:
    """RFC 9297 section 3.2."""
    return encode_varint(kind) + encode_varint(len(body)) + body


def close_capsule(code: int, reason: str) -> bytes:
    return encode_capsule(CLOSE_SESSION, struct.pack(">I", code) + reason.encode())


class CapsuleReader:
    """Takes the bytes of a CONNECT stream in any pieces and gives its capsules as (type, body)."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        self._pending += data
        try:
            while True:
                kind, offset = decode_varint(self._pending)
                length, offset = decode_varint(self._pending, offset)
                if len(self._pending) < offset + length:
                    return
                body = self._pending[offset : offset + length]
                self._pending = self._pending[offset + length :]
                yield kind, body
        except Truncated:
            return


def prompt_sha256(payloads: Iterable[bytes]) -> str:
    """The hash over a prompt: each payload in order, preceded by its length in 32 bits, big-endian."""
    digest = hashlib.sha256()
    for payload in payloads:
        digest.update(struct.pack(">I", len(payload)))
        digest.update(payload)
    return digest.hexdigest()


_event_numbers = itertools.count(1)


def client_event(kind: str, **fields: Any) -> Event:
    return {"type": kind, "event_id": f"event_interop_{next(_event_numbers)}", **fields}


def choose_mode(mode: str) -> Event:
    session = {"type": "realtime", "parallax": {"reliability": {"mode": mode}}}
    return client_event("session.update", session=session)


def commit(packets: list[RTPPacket]) -> Event:
    """The commit of a prompt, with the manifest by which the server can judge what it got."""
    manifest = {
        "first_sequence": packets[0].sequence,
        "frames": len(packets),
        "sha256": prompt_sha256(packet.payload for packet in packets),
    }
    return client_event("input_audio_buffer.commit", parallax=manifest)


def encode_event(event: Event) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
