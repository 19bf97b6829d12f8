#!/usr/bin/env python3
"""Stands in for `parallax`, so that the cases can be proved against each other without it:

.venv/bin/python interop/run.py --parallax interop/standin.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

# Started as a program under test, it must find the environment of the cases by itself.
ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv/bin/python"
if Path(sys.prefix) != ROOT / ".venv":
    os.execv(PYTHON, [str(PYTHON), *sys.argv])

import argparse
import asyncio
import json
import signal
import ssl
import wave
from typing import Any

from aioquic.asyncio.server import serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ProtocolNegotiated, QuicEvent

import roq
import speech
import webtransport
from attachment import QUICAttachment, Unexpected
from conversation import begin, commit_prompt, hear_echo, send_prompt
from meeting import bound_port, make_credentials
from realtime import Event, packetize
from service import Service


class Either(webtransport.WebTransport, roq.RoQ):
    """A server's end that becomes one transport or the other when ALPN has chosen."""

    def __init__(self, quic: QuicConnection, *arguments: Any, **options: Any) -> None:
        super().__init__(quic, *arguments, **options)
        self.transport: type[QUICAttachment] = webtransport.WebTransport
        self.tasks: set[asyncio.Task[None]] = set()
        self.has_told_close = False

    def transport_event(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated) and (event.alpn_protocol or "").startswith("roq"):
            self.transport = roq.RoQ
        self.transport.transport_event(self, event)
        if self.session_closed is not None and not self.has_told_close:
            self.has_told_close = True
            code, reason = self.session_closed
            line = {"event": "session_closed", "by": "peer", "code": code, "reason": reason}
            print(json.dumps(line), file=sys.__stdout__, flush=True)

    def send_event(self, event: Event) -> None:
        self.transport.send_event(self, event)

    def send_packet(self, packet: bytes, mode: str, flow: int = 0) -> None:
        self.transport.send_packet(self, packet, mode, flow)

    def request_arrived(self, headers: dict[str, str]) -> int:
        return 200 if headers[":path"].startswith("/v1/realtime") else 404

    def session_opened(self) -> None:
        name = "roq" if self.transport is roq.RoQ else "webtransport"
        self.tasks.add(asyncio.create_task(serve_session(Service(self, name))))


async def serve_session(service: Service) -> None:
    try:
        await service.run()
    except Unexpected:
        pass


async def run_server(options: argparse.Namespace) -> None:
    sys.stdout = sys.stderr
    credentials = make_credentials()
    configuration = QuicConfiguration(
        is_client=False,
        alpn_protocols=["h3", "roq-14", "roq-09"],
        max_datagram_frame_size=65_535,
        certificate=credentials.certificate,
        private_key=credentials.key,
    )
    server = await serve(
        options.host,
        options.port,
        configuration=configuration,
        create_protocol=Either,
        retry=options.retry == "always",
    )
    port = bound_port(server)
    line = {"event": "listening", "port": port, "certificate_sha256": credentials.sha256}
    print(json.dumps(line), file=sys.__stdout__, flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server.close()


async def run_client(options: argparse.Namespace) -> None:
    is_roq = options.transport == "roq"
    peer = roq.RoQ if is_roq else webtransport.WebTransport
    host, _, port = options.url.split("//")[1].split("/")[0].partition(":")
    configuration = QuicConfiguration(
        alpn_protocols=roq.ALPN if is_roq else webtransport.ALPN,
        max_datagram_frame_size=65_535,
        verify_mode=ssl.CERT_NONE,
    )
    quic = QuicConnection(configuration=configuration)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_datagram_endpoint(lambda: peer(quic), local_addr=("127.0.0.1", 0))
    connection.connect((host, int(port)))
    await connection.wait_connected()
    await connection.open_session()
    packets = packetize(speech.opus_packets(Path(options.clip)))
    await begin(connection, options.mode)
    await send_prompt(connection, packets, options.mode)
    receipt = await commit_prompt(connection, packets)
    await hear_echo(connection, packets)
    with wave.open(options.answer, "wb") as answer:
        answer.setparams((1, 2, 48_000, 0, "NONE", "not compressed"))
        answer.writeframes(bytes(len(packets) * 1_920))
    print(json.dumps(receipt))
    connection.close()
    await connection.wait_closed()


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve")
    command.set_defaults(run=run_server)
    command.add_argument("--host")
    command.add_argument("--port", type=int)
    command.add_argument("--responder")
    command.add_argument("--retry")
    command.add_argument("--qlog-dir")
    command = commands.add_parser("talk")
    command.set_defaults(run=run_client)
    for option in ("--transport", "--mode", "--certificate-sha256", "--answer"):
        command.add_argument(option)
    command.add_argument("url")
    command.add_argument("clip")
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true")
    options = parser.parse_args()
    asyncio.run(options.run(options))


if __name__ == "__main__":
    main()
