"""WebSocket by the `websockets` library, as a client of `parallax serve` and as a server of `parallax talk`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
from typing import Any, AsyncIterator

import websockets
from attachment import Attachment
from harness import Server
from realtime import Event, RTPPacket
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.typing import Subprotocol

PATH = "/v1/realtime?model=echo"
RTP = Subprotocol("parallax.rtp")
REALTIME = Subprotocol("realtime")


class WebSocketAttachment(Attachment):
    """One connection; a task of its own reads from it."""

    def __init__(self, connection: ClientConnection | ServerConnection) -> None:
        super().__init__()
        self.connection = connection
        self._sending: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._write())]

    def send_event(self, event: Event) -> None:
        print("-->", str(event)[:600], flush=True)
        self._sending.put_nowait(json.dumps(event))

    def send_packet(self, packet: bytes, mode: str, flow: int = 0) -> None:
        if self.connection.subprotocol == RTP:
            self._sending.put_nowait(packet)
        else:
            audio = base64.b64encode(RTPPacket.decode(packet).payload).decode()
            self._sending.put_nowait(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))

    async def _write(self) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            while True:
                await self.connection.send(await self._sending.get())

    async def _read(self) -> None:
        try:
            async for message in self.connection:
                if isinstance(message, bytes):
                    self.packet_arrived(RTPPacket.decode(message))
                    continue
                event = json.loads(message)
                if event["type"] == "input_audio_buffer.append":
                    self.packet_arrived(RTPPacket(len(self.packets), 0, base64.b64decode(event["audio"])))
                else:
                    self.event_arrived(event)
        except websockets.ConnectionClosedError:
            pass
        self.ended(f"code {self.connection.close_code}: {self.connection.close_reason}")

    async def close(self) -> None:
        await self.connection.close()
        for task in self._tasks:
            task.cancel()


def client_tls() -> ssl.SSLContext:
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    return tls


@contextlib.asynccontextmanager
async def dial(
    server: Server, *subprotocols: str, path: str = PATH, plain: bool = False, **options: Any
) -> AsyncIterator[WebSocketAttachment]:
    """A connection by TLS, or in clear at the port for pages on this machine."""
    if plain:
        assert server.http_url is not None
        url = server.http_url.replace("http://", "ws://") + path
    else:
        url = f"wss://{server.host}:{server.port}{path}"
        options["ssl"] = client_tls()
    names = [Subprotocol(name) for name in subprotocols]
    async with connect(url, subprotocols=names or None, **options) as connection:
        attachment = WebSocketAttachment(connection)
        try:
            yield attachment
        finally:
            await attachment.close()
