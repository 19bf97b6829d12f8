"""How a call is made: HTTP by aiohttp, as OpenAI's clients do it and as WHIP has it (RFC 9725)."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import Any, AsyncIterator

import aiohttp

from harness import Server
from realtime import Event

CALLS = "/v1/realtime/calls"
WHIP = "/whip"
SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"


@dataclass(frozen=True)
class Reply:
    """What came back for one request."""

    status: int
    headers: dict[str, str]  # by names in lower case
    text: str

    def json(self) -> Any:
        return json.loads(self.text)

    def expect(self, status: int) -> Reply:
        assert self.status == status, f"status {self.status}, wanted {status}: {self.text[:300]}"
        return self

    def expect_error(self, status: int) -> Event:
        """An error is JSON with a code and a message, never text in the place of an SDP."""
        self.expect(status)
        assert self.headers["content-type"].startswith("application/json"), self.headers["content-type"]
        error: Event = self.json()["error"]
        assert error["code"] and error["message"], error
        return error


class Signalling:
    """One HTTP client of one server, over HTTPS with its certificate pinned, on the UDP port's number."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self.base = base

    async def request(self, method: str, path: str, **options: Any) -> Reply:
        url = path if "://" in path else self.base + path
        async with self._session.request(method, url, **options) as response:
            text = await response.text()
            reply = Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, text)
        print(f"HTTP {method} {path} -> {reply.status} {dict(reply.headers)}", flush=True)
        return reply

    async def post_offer(self, sdp: str, session: Event | None = None, path: str = CALLS, **headers: str) -> Reply:
        """Raw SDP; or a form with the session beside it, as those send it who hold the API key."""
        print("-> offer\n" + sdp, flush=True)
        if session is None:
            reply = await self.request("POST", path, data=sdp, headers={"Content-Type": SDP, **headers})
        else:
            form = aiohttp.MultipartWriter("form-data")
            for name, kind, text in (("sdp", SDP, sdp), ("session", "application/json", json.dumps(session))):
                part = form.append(text, {"Content-Type": kind})
                part.set_content_disposition("form-data", name=name)
            reply = await self.request("POST", path, data=form, headers=headers)
        print("<- answer\n" + reply.text, flush=True)
        return reply


@contextlib.asynccontextmanager
async def signalling(server: Server) -> AsyncIterator[Signalling]:
    pinned = aiohttp.Fingerprint(bytes.fromhex(server.certificate_sha256))
    connector = aiohttp.TCPConnector(ssl=pinned)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield Signalling(session, f"https://{server.address[0]}:{server.port}")
