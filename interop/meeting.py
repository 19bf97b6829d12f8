"""`parallax talk` against a server made of aioquic: the certificate, the server, and what must come of it."""

from __future__ import annotations

import asyncio
import datetime
import json
import traceback
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import roq
import webtransport
from aioquic.asyncio.server import QuicServer, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.logger import QuicFileLogger
from aioquic.tls import SessionTicket
from attachment import Attachment, Unexpected
from call_server import AnsweredCall, serve_calls
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from harness import HOST, Case
from realtime import Event
from service import Service


@dataclass(frozen=True)
class Credentials:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def sha256(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def make_credentials(days: int = 10) -> Credentials:
    """A self-signed P-256 certificate for loopback, short-lived as `serverCertificateHashes` wants it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Credentials(certificate, key)


def bound_port(server: QuicServer) -> int:
    assert server._transport is not None
    port: int = server._transport.get_extra_info("sockname")[1]
    return port


class TicketStore:
    """The session tickets of an aioquic server."""

    def __init__(self) -> None:
        self.tickets: dict[bytes, SessionTicket] = {}
        # One for each time a client showed a ticket, known or not.
        self.shown: list[bool] = []

    def add(self, ticket: SessionTicket) -> None:
        self.tickets[ticket.ticket] = ticket

    def pop(self, label: bytes) -> SessionTicket | None:
        ticket = self.tickets.pop(label, None)
        self.shown.append(ticket is not None)
        return ticket


async def meet(
    case: Case,
    transport: str,
    mode: str,
    *options: str,
    store: TicketStore | None = None,
    credentials: Credentials | None = None,
) -> dict[str, Any]:
    """Serves one session, lets `parallax talk` speak the clip to it, and holds both accounts together; gives talk's."""
    services: list[Service] = []
    tasks: list[asyncio.Task[None]] = []

    def begin(attachment: Attachment) -> None:
        service = Service(attachment, transport)
        services.append(service)
        tasks.append(asyncio.create_task(_guarded(service)))

    class WebTransportServer(webtransport.WebTransport):
        def request_arrived(self, headers: dict[str, str]) -> int:
            print("<-", headers, flush=True)
            assert headers[":protocol"] in ("webtransport", "webtransport-h3"), headers
            return 200 if headers[":path"].startswith("/v1/realtime") else 404

        def session_opened(self) -> None:
            begin(self)

    class RoQServer(roq.RoQ):
        def session_opened(self) -> None:
            begin(self)

    is_roq = transport == "roq"
    credentials = credentials or make_credentials()
    configuration = QuicConfiguration(
        is_client=False,
        alpn_protocols=roq.ALPN if is_roq else webtransport.ALPN,
        max_datagram_frame_size=65_535,
        quic_logger=QuicFileLogger(str(case.logs)),
        certificate=credentials.certificate,
        private_key=credentials.key,
    )
    server = await serve(
        HOST,
        0,
        configuration=configuration,
        create_protocol=RoQServer if is_roq else WebTransportServer,
        session_ticket_fetcher=store.pop if store else None,
        session_ticket_handler=store.add if store else None,
    )
    port = bound_port(server)
    url = f"roq://{HOST}:{port}" if is_roq else f"https://{HOST}:{port}/v1/realtime?model=echo"
    answer = case.logs / "answer.wav"
    try:
        status, output = await case.run_program(
            "talk", "--transport", transport, "--mode", mode, "--certificate-sha256", credentials.sha256,
            "--json", "--answer", str(answer), *options, url, str(case.clip),
        )  # fmt: skip
    finally:
        for task in tasks:
            task.cancel()
        server.close()

    judge(services, status, output, answer, mode)
    report: dict[str, Any] = json.loads(output)
    return report


async def meet_call(case: Case, mode: str) -> list[AnsweredCall]:
    """The same over WebRTC; gives the calls that were made, which is one."""
    credentials = make_credentials()
    answer = case.logs / "answer.wav"
    async with serve_calls(credentials.certificate, credentials.key) as server:
        status, output = await case.run_program(
            "talk", "--transport", "webrtc", "--mode", mode, "--certificate-sha256", credentials.sha256,
            "--json", "--answer", str(answer), f"https://{HOST}:{server.port}/v1/realtime?model=echo", str(case.clip),
        )  # fmt: skip
        judge([call.service for call in server.calls], status, output, answer, mode)
        return server.calls


def judge(services: list[Service], status: int, output: str, answer: Path, mode: str) -> None:
    """Holds what talk says against what the one session saw."""
    if status != 0:
        raise Unexpected(f"parallax talk ended with status {status}")
    if len(services) != 1 or len(services[0].receipts) != 1:
        raise Unexpected(f"{len(services)} sessions, receipts {[service.receipts for service in services]}")
    [receipt] = services[0].receipts
    assert receipt["verdict"] == "intact", receipt
    assert receipt["mode"] == mode, f"talk asked for {receipt['mode']}"
    _check_report(output, receipt)
    _check_answer(answer, len(services[0].answered))


async def _guarded(service: Service) -> None:
    try:
        await service.run()
    except Unexpected as end:
        print("-- session over:", end, flush=True)
    except Exception:
        traceback.print_exc()


def _check_report(output: str, receipt: Event) -> None:
    """talk prints what the server said: its receipt stands in the report as it was sent."""
    report = json.loads(output)
    differing = {name for name, value in report["receipt"].items() if receipt[name] != value}
    assert not differing, f"talk reports other values of {differing} than it was told"
    assert report["receipt"]["verdict"] == "intact", report["receipt"]


def _check_answer(path: Path, frame_count: int) -> None:
    """The answer's file lasts as long as the answer, give or take what Opus skips at its start."""
    data = path.read_bytes()
    assert data[:4] in (b"RIFF", b"OggS"), data[:4]
    if data[:4] == b"RIFF":
        with wave.open(str(path)) as clip:
            seconds = clip.getnframes() / clip.getframerate()
        assert abs(seconds - frame_count * 0.02) < 0.1, f"{seconds} s of answer for {frame_count} frames"


async def meet_thrice(case: Case, transport: str) -> None:
    """`talk --tickets` to a server that does not know it, that does, and that has forgotten it."""
    store = TicketStore()
    credentials = make_credentials()
    options = ("--tickets", str(case.logs / "tickets"))
    for expected in ("none", "accepted", "rejected"):
        if expected == "rejected":
            store.tickets.clear()
        report = await meet(case, transport, "stream-per-frame", *options, store=store, credentials=credentials)
        assert report["early_data"] == expected, report
    assert store.shown == [True, False], store.shown
