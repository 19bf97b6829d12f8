"""What RFC 6455 forbids gets the close code that it demands; requests that are none get a status and JSON."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import struct

import harness
from harness import Case, Server
from wsocket import client_tls

FIELDS = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
    "Sec-WebSocket-Protocol": "realtime",
}


def frame(first: int, payload: bytes, masked: bool = True, length: bytes | None = None) -> bytes:
    """One frame, right or wrong as the caller says."""
    if length is None:
        count = len(payload)
        length = bytes([count]) if count < 126 else b"\x7e" + struct.pack(">H", count)
    if not masked:
        return bytes([first]) + length + payload
    mask = os.urandom(4)
    hidden = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes([first, length[0] | 0x80]) + length[1:] + mask + hidden


VIOLATIONS = [
    ("an unmasked frame", frame(0x81, b"{}", masked=False), 1002),
    ("a reserved bit", frame(0xC1, b"{}"), 1002),
    ("an unknown opcode", frame(0x83, b"{}"), 1002),
    ("an unknown control opcode", frame(0x8B, b""), 1002),
    ("a fragmented ping", frame(0x09, b""), 1002),
    ("a ping of 126 bytes", frame(0x89, bytes(126)), 1002),
    ("a continuation of nothing", frame(0x80, b"{}"), 1002),
    ("a message inside another", frame(0x01, b"{") + frame(0x81, b"{}"), 1002),
    ("a length in too long a form", frame(0x81, b"{}", length=b"\x7e\x00\x02"), 1002),
    ("a length with its highest bit", frame(0x81, b"", length=b"\x7f" + b"\xff" * 8), 1002),
    ("a message of a gigabyte", frame(0x81, b"", length=b"\x7f" + struct.pack(">Q", 1 << 30)), 1009),
    ("text that is not UTF-8", frame(0x81, b"\xc0\x80"), 1007),
    ("a close code of one byte", frame(0x88, b"\x03"), 1002),
    ("a close with a code that never travels", frame(0x88, struct.pack(">H", 1005)), 1002),
    ("a close reason that is not UTF-8", frame(0x88, struct.pack(">H", 1000) + b"\xff"), 1007),
    ("a binary message without the sub-protocol for it", frame(0x82, b"{}"), 1003),
]


class Raw:
    """A connection of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, server: Server) -> Raw:
        return cls(*await asyncio.open_connection(server.host, server.port, ssl=client_tls()))

    async def request(self, method: str = "GET", path: str = "/v1/realtime", **changes: str | None) -> tuple[int, bytes]:
        """Asks for an upgrade, with fields changed or left out; the status and a refusal's body."""
        fields = FIELDS | {name.replace("_", "-"): value for name, value in changes.items()}
        lines = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields.items() if value is not None]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        status = int(head.split()[1])
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        body = await self.reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
        return status, body

    async def close_code(self) -> int:
        """The code of the server's close frame; what it says before is passed over."""
        while True:
            first, second = await asyncio.wait_for(self.reader.readexactly(2), 5)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack(">H", await self.reader.readexactly(2))
            payload = await self.reader.readexactly(length)
            if first & 0x0F == 0x8:
                return struct.unpack(">H", payload[:2])[0]

    def end(self) -> None:
        self.writer.close()


async def case(case: Case) -> None:
    async with case.serve() as server:
        for name, sent, code in VIOLATIONS:
            raw = await Raw.connect(server)
            status, _ = await raw.request()
            assert status == 101, status
            raw.writer.write(sent)
            found = await raw.close_code()
            print(f"{name}: {found}", flush=True)
            assert found == code, f"{name} is answered with {found}, wanted {code}"
            if sent == VIOLATIONS[0][1]:
                # The server ends the connection soon, whatever the client does.
                assert await asyncio.wait_for(raw.reader.read(), 5) == b"", name
            raw.end()
        for changes, wanted, word in (
            ({"Upgrade": None}, 426, "upgrade_required"),
            ({"Sec_WebSocket_Version": "8"}, 426, "upgrade_required"),
            ({"Sec_WebSocket_Key": "short"}, 400, "invalid_value"),
            ({"path": "/v1/elsewhere"}, 404, "not_found"),
            ({"path": "/v1/realtime?call_id=rtc_none"}, 400, "unsupported"),
            ({"method": "POST"}, 405, "method_not_allowed"),
        ):
            raw = await Raw.connect(server)
            status, body = await raw.request(**changes)
            assert status == wanted, f"{changes} is answered with {status}"
            assert json.loads(body)["error"]["code"] == word, body
            raw.end()


if __name__ == "__main__":
    harness.run(case)
