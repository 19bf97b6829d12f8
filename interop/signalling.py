"""Signalling by curl: one request, and its answer taken apart."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from harness import Server

FINGERPRINT = ":".join(["AB"] * 32)
TRANSPORT = [
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuvwx",
    f"a=fingerprint:sha-256 {FINGERPRINT}",
    "a=setup:actpass",
]
OFFER = "".join(
    line + "\r\n"
    for line in [
        "v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", *TRANSPORT, "a=mid:0", "a=sendrecv", "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", *TRANSPORT, "a=mid:1", "a=sctp-port:5000",
    ]
)  # fmt: skip
SDP = ("-H", "Content-Type: application/sdp", "--data-binary", OFFER)


@dataclass(frozen=True)
class Answer:
    version: str
    status: int
    fields: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def expect(self, status: int) -> Answer:
        assert self.status == status, f"answered with {self.status} instead of {status}: {self.body}"
        return self

    def expect_error(self, status: int, code: str) -> None:
        self.expect(status)
        assert self.fields["content-type"] == "application/json", self.fields
        error = self.json["error"]
        assert error["code"] == code, error
        assert error["message"] and error["type"] and "param" in error, error


async def curl(server: Server, path: str, *options: str) -> Answer:
    """A request over HTTPS to the TCP port with the UDP port's number."""
    command = ["curl", "--silent", "--show-error", "--insecure", "--include", "--max-time", "10", *options]
    command.append(f"https://127.0.0.1:{server.port}{path}")
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, f"curl ended with {process.returncode}: {errors.decode()}"
    head, _, body = output.decode().partition("\r\n\r\n")
    print("curl:", " ".join(options), path, head.splitlines()[0], body, flush=True)
    first, *lines = head.split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(first.split()[0], int(first.split()[1]), fields, body)
