"""aiortc as the server of calls: HTTPS by aiohttp, full ICE, and a `Service` for each call whose events channel opens."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
import traceback
from pathlib import Path
from typing import AsyncIterator

from aiohttp import web
from aiortc import RTCSessionDescription
from aiortc_call import PeerConnection
from attachment import Unexpected
from calls import CALLS, SDP
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from harness import HOST
from service import Service


class AnsweredCall(PeerConnection):
    """The server's end of a call; begins its session when the client has opened its channel of events."""

    def __init__(self) -> None:
        super().__init__()
        self.service = Service(self, "webrtc")
        self.tasks: set[asyncio.Task[None]] = set()

    async def answer(self, offer: str) -> str:
        await self.connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self._transceiver.direction = "sendrecv"
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        self.tap_media()
        return self.connection.localDescription.sdp

    def session_opened(self) -> None:
        self.tasks.add(asyncio.create_task(self._serve()))

    async def _serve(self) -> None:
        try:
            await self.service.run()
        except Unexpected as end:
            print("-- session over:", end, flush=True)
        except Exception:
            traceback.print_exc()


class CallServer:
    """Answers POST /v1/realtime/calls, and hangs up by DELETE."""

    def __init__(self) -> None:
        self.calls: list[AnsweredCall] = []
        self.requests: list[web.Request] = []
        self.port = 0

    async def create(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        offer = await request.text()
        print("HTTP", request.method, request.path_qs, dict(request.headers), offer, sep="\n", flush=True)
        if request.content_type != SDP:
            return web.json_response({"error": {"code": "unsupported_media_type", "message": "SDP"}}, status=415)
        call = AnsweredCall()
        answer = await call.answer(offer)
        print("answer", answer, sep="\n", flush=True)
        self.calls.append(call)
        headers = {"Location": f"{CALLS}/rtc_{len(self.calls)}", "ETag": f'"{len(self.calls)}"'}
        return web.Response(status=201, body=answer.encode(), content_type=SDP, headers=headers)

    async def hang_up(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        number = int(request.match_info["number"])
        await self.calls[number - 1].close()
        return web.Response()


@contextlib.asynccontextmanager
async def serve_calls(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> AsyncIterator[CallServer]:
    server = CallServer()
    application = web.Application()
    application.router.add_post(CALLS, server.create)
    application.router.add_delete(CALLS + "/rtc_{number}", server.hang_up)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=_context(certificate, key))
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        for call in server.calls:
            await call.close()
        await runner.cleanup()


def _context(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write(secret + certificate.public_bytes(Encoding.PEM))
        file.flush()
        context.load_cert_chain(Path(file.name))
    return context
