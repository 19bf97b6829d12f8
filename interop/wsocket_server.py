"""A Realtime server on the `websockets` library, for `parallax talk` to meet."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from pathlib import Path

from attachment import Unexpected
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from harness import HOST, Case
from meeting import Credentials, judge, make_credentials
from realtime import RTPPacket
from service import Service
from websockets.asyncio.server import ServerConnection, serve
from wsocket import REALTIME, RTP, WebSocketAttachment


class ServedAttachment(WebSocketAttachment):
    """The server's end: in OpenAI's form answers travel in events."""

    def send_packet(self, packet: bytes, mode: str, flow: int = 0) -> None:
        if self.connection.subprotocol == RTP:
            return super().send_packet(packet, mode, flow)
        audio = base64.b64encode(RTPPacket.decode(packet).payload).decode()
        self._sending.put_nowait(json.dumps({"type": "response.output_audio.delta", "delta": audio}))


def server_tls(credentials: Credentials, folder: Path) -> ssl.SSLContext:
    """The library of Python's TLS reads files only."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(credentials.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(credentials.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    return tls


async def meet(case: Case, form: str) -> None:
    """Serves one session, lets `parallax talk` speak the clip to it, and holds both accounts together."""
    services: list[Service] = []

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        print("<-", connection.request.path, dict(connection.request.headers), flush=True)
        attachment = ServedAttachment(connection)
        services.append(Service(attachment, "websocket"))
        try:
            await services[-1].run()
        except Unexpected as end:
            print("-- session over:", end, flush=True)
        finally:
            await attachment.close()

    credentials = make_credentials()
    answer = case.logs / "answer.wav"
    async with serve(
        handle, HOST, 0, ssl=server_tls(credentials, case.logs), subprotocols=[RTP, REALTIME], compression=None
    ) as server:
        port = list(server.sockets)[0].getsockname()[1]
        status, output = await case.run_program(
            "talk", "--subprotocol", form, "--certificate-sha256", credentials.sha256, "--json", "--answer",
            str(answer), f"wss://{HOST}:{port}/v1/realtime?model=echo", str(case.clip),
        )  # fmt: skip
        await asyncio.sleep(0)
    judge(services, status, output, answer, "stream")
