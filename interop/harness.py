"""What every case stands on: the programs under test, connections to them, and an exit status that says how it went.

A case is a module in a peer's folder with one `async def case(case: Case)`. It passes by returning, fails by
raising, and raises `Unsupported` when this machine or the peer cannot do it: exit status 0, 1 and 127, as the
QUIC interop runner has it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import signal
import ssl
import sys
import tempfile
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, AsyncIterator, Callable, Container, Coroutine, TypeVar

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.logger import QuicFileLogger
from aioquic.tls import SessionTicket
from cryptography.hazmat.primitives.serialization import Encoding

import roq
import speech
import webtransport
from attachment import QUICAttachment, Unexpected

UNSUPPORTED = 127
HOST = "127.0.0.1"
DEFAULT_BINARY = Path(__file__).resolve().parent.parent / ".build/release/parallax"

Peer = TypeVar("Peer", bound=QUICAttachment)


class Unsupported(Exception):
    """The case cannot be run here; not a failure."""


@dataclass
class Server:
    """A running `parallax serve`."""

    process: asyncio.subprocess.Process
    port: int
    certificate_sha256: str
    # Plain HTTP for pages on this machine.
    http_url: str | None = None
    host: str = HOST
    events: list[dict[str, Any]] = field(default_factory=list)
    is_stopping: bool = False

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    async def saw_close(self, code: int, reason: str | None, by: str = "peer") -> None:
        """Waits until the server has told that a session was closed so; for any reason, when none is given."""
        told = {"event": "session_closed", "by": by, "code": code} | ({} if reason is None else {"reason": reason})
        for _ in range(50):
            if any(told.items() <= event.items() for event in self.events):
                return
            await asyncio.sleep(0.1)
        raise Unexpected(f"the server did not hear the close with code {code} and reason {reason!r}")

    def terminate(self) -> None:
        """Asks it once to stop, as an operator would: drain, close, exit 0. A second signal would end it at once."""
        if not self.is_stopping and self.process.returncode is None:
            self.is_stopping = True
            self.process.send_signal(signal.SIGTERM)


class Case:
    def __init__(self, binary: Path, logs: Path, clip: Path) -> None:
        self.binary = binary
        self.logs = logs
        self.clip = clip

    def opus_packets(self) -> list[bytes]:
        return speech.opus_packets(self.clip)

    @contextlib.asynccontextmanager
    async def serve(self, *options: str, responder: str = "echo") -> AsyncIterator[Server]:
        """Starts a server, and at the end demands that it still lives and stops cleanly."""
        arguments = ["serve", "--host", HOST, "--port", "0", "--responder", responder, "--json", *options]
        process = await asyncio.create_subprocess_exec(
            self.binary,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=sys.stdout.fileno(),
            env={**os.environ, "SSLKEYLOGFILE": str(self.logs / "server.keys")},
        )
        try:
            server = await self._listening(process)
            reader = asyncio.create_task(self._read_events(server))
            yield server
            server.terminate()
            status = await asyncio.wait_for(process.wait(), 10)
            await reader
            if status != 0:
                raise Unexpected(f"parallax serve ended with status {status}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _listening(self, process: asyncio.subprocess.Process) -> Server:
        assert process.stdout is not None
        async with asyncio.timeout(10):
            while line := await process.stdout.readline():
                print("serve:", line.decode().rstrip(), flush=True)
                event = json.loads(line)
                if event.get("event") == "listening":
                    sha256 = event["certificate_sha256"].replace(":", "").lower()
                    return Server(process, event["port"], sha256, event.get("http_url"), event.get("host", HOST))
        raise Unexpected(f"parallax serve did not start: exit status {await process.wait()}")

    async def _read_events(self, server: Server) -> None:
        assert server.process.stdout is not None
        while line := await server.process.stdout.readline():
            print("serve:", line.decode().rstrip(), flush=True)
            with contextlib.suppress(json.JSONDecodeError):
                server.events.append(json.loads(line))

    @contextlib.asynccontextmanager
    async def dial(
        self,
        server: Server,
        peer: type[Peer],
        alpn: list[str] | None = None,
        between: Meddler | None = None,
        tickets: list[SessionTicket] | None = None,
        **configuration: Any,
    ) -> AsyncIterator[Peer]:
        """An aioquic connection that has sent its first flight; `between` may meddle with what it sends, and `tickets`
        gets what the server gives for the next one."""
        quic = QuicConnection(
            configuration=self.client_configuration(peer, alpn, **configuration),
            session_ticket_handler=None if tickets is None else tickets.append,
        )
        loop = asyncio.get_running_loop()
        transport, connection = await loop.create_datagram_endpoint(lambda: peer(quic), local_addr=(HOST, 0))
        if between is not None:
            between.transport = transport
            connection.connection_made(between)
        try:
            connection.connect(server.address)
            yield connection
        finally:
            connection.close()
            await asyncio.wait_for(connection.wait_closed(), 5)
            transport.close()

    @contextlib.asynccontextmanager
    async def connect(self, server: Server, peer: type[Peer], **options: Any) -> AsyncIterator[Peer]:
        """A connection whose handshake is done, with a server that shows the certificate it announced."""
        async with self.dial(server, peer, **options) as connection:
            await asyncio.wait_for(connection.wait_connected(), 10)
            shown = certificate_sha256(connection)
            assert shown == server.certificate_sha256, f"the certificate is {shown}"
            yield connection

    def client_configuration(
        self, peer: type[QUICAttachment], alpn: list[str] | None = None, **configuration: Any
    ) -> QuicConfiguration:
        return QuicConfiguration(
            is_client=True,
            alpn_protocols=alpn or (roq.ALPN if issubclass(peer, roq.RoQ) else webtransport.ALPN),
            max_datagram_frame_size=65_535,
            verify_mode=ssl.CERT_NONE,
            quic_logger=QuicFileLogger(str(self.logs)),
            secrets_log_file=open(self.logs / "client.keys", "a", buffering=1),
            **configuration,
        )

    async def run_program(self, *arguments: str, seconds: float = 30) -> tuple[int, str]:
        """Runs `parallax` to its end; gives its exit status and what it printed."""
        print("$ parallax", *arguments, flush=True)
        process = await asyncio.create_subprocess_exec(
            self.binary, *arguments, stdout=asyncio.subprocess.PIPE, stderr=sys.stdout.fileno()
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), seconds)
        finally:
            if process.returncode is None:
                process.kill()
        print(output.decode(), flush=True)
        assert process.returncode is not None
        return process.returncode, output.decode()


def certificate_sha256(connection: QUICAttachment) -> str:
    """The hash that browsers compare: SHA-256 over the DER form of the leaf."""
    certificate = connection.quic.tls._peer_certificate
    assert certificate is not None
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


class Meddler(asyncio.DatagramTransport):
    """Stands between a client and its socket, and does to what it sends what a bad network does."""

    transport: asyncio.DatagramTransport

    def __init__(self, lose: Container[int] = (), swap: bool = False) -> None:
        super().__init__()
        self._lose = lose
        self._swap = swap
        self._held: tuple[bytes, tuple[str, int]] | None = None
        self._count = 0
        self._began = 0.0
        self.count_before_answer = 0

    def sendto(self, data: Any, address: Any = None) -> None:
        number = self._count
        self._count += 1
        now = asyncio.get_running_loop().time()
        self._began = self._began or now
        if now - self._began < 0.05:
            self.count_before_answer += 1
        if number in self._lose:
            return
        if self._swap and number == 0:
            self._held = (data, address)
            return
        self.transport.sendto(data, address)
        if self._held is not None:
            self.transport.sendto(*self._held)
            self._held = None

    def close(self) -> None:
        self.transport.close()


async def move_to_new_port(connection: QUICAttachment) -> None:
    """Gives the connection another socket, and so another address."""

    class Relay(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
            connection.datagram_received(data, address)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Relay, local_addr=(HOST, 0))
    old = connection._transport
    connection.connection_made(transport)
    assert old is not None
    old.close()
    print("-- moved to", transport.get_extra_info("sockname"), flush=True)


def vanish(connection: QUICAttachment) -> None:
    """The client's network is gone without a word: nothing that it sends leaves, nothing that is sent to it arrives."""
    former = connection._transport
    connection.connection_made(Meddler(lose=range(sys.maxsize)))
    assert former is not None
    former.close()
    print("-- vanished", flush=True)


def resident_bytes(server: Server) -> int:
    """The memory of the server that is in use now."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def run(case: Callable[[Case], Coroutine[None, None, None]]) -> None:
    """The `main` of a case's module."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--parallax", type=Path, default=DEFAULT_BINARY, help="the program under test")
    parser.add_argument("--logs", type=Path, help="where qlog and key files go")
    parser.add_argument("--clip", type=Path, default=speech.DEFAULT_CLIP, help="a WAV file to speak")
    options = parser.parse_args()
    logs: Path = options.logs or Path(tempfile.mkdtemp(prefix="parallax-interop-"))
    logs.mkdir(parents=True, exist_ok=True)
    try:
        asyncio.run(case(Case(options.parallax.resolve(), logs, options.clip)))
    except Unsupported as reason:
        print("UNSUPPORTED", reason, flush=True)
        sys.exit(UNSUPPORTED)
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        print(f"FAIL {type(error).__name__}: {error}", flush=True)
        sys.exit(1)
