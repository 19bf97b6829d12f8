"""What every aioquic peer shares, whatever its transport: a queue of events, a box of packets, an end."""

from __future__ import annotations

import asyncio
from typing import Any, Callable

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, QuicEvent

from realtime import Event, RTPPacket

MODES = ("datagram", "stream", "stream-per-frame")


class Unexpected(Exception):
    """The other side did what it must not, or not what it must."""


class Attachment:
    """One connection that carries one session, from either end.

    A transport fills in `send_event` and `send_packet`, and calls `event_arrived`, `packet_arrived` and `ended`.
    """

    def __init__(self) -> None:
        self.packets: list[RTPPacket] = []
        # All that arrived, whatever a case has taken of them.
        self.heard_events: list[Event] = []
        self.termination: object | None = None
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._changed = asyncio.Event()

    # For a transport

    def send_event(self, event: Event) -> None:
        raise NotImplementedError

    def send_packet(self, packet: bytes, mode: str, flow: int = 0) -> None:
        raise NotImplementedError

    def session_opened(self) -> None:
        """On a server: the client is there to hear events. A server's subclass begins its session here."""

    def event_arrived(self, event: Event) -> None:
        print("<-", abridged(event), flush=True)
        self.heard_events.append(event)
        self._events.put_nowait(event)
        self._changed.set()

    def packet_arrived(self, packet: RTPPacket) -> None:
        self.packets.append(packet)
        self._changed.set()

    def ended(self, why: object) -> None:
        print("--", why, flush=True)
        self.termination = why
        self._events.put_nowait(None)
        self._changed.set()

    # For a case

    async def receive_event(self) -> Event:
        event = await self._events.get()
        if event is None:
            self._events.put_nowait(None)
            raise Unexpected(f"the connection ended: {self.termination}")
        return event

    async def expect(self, kind: str) -> Event:
        """The next event of this type. Others are passed over, but an error that was not asked for is raised."""
        while True:
            event = await self.receive_event()
            if event["type"] == kind:
                return event
            if event["type"] == "error":
                raise Unexpected(f"error event: {event['error']}")

    async def until(self, condition: Callable[[], Any], what: str, seconds: float = 5) -> None:
        """Waits until something that arrived has made `condition` true."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise Unexpected(f"waited {seconds} s for {what}") from None


class QUICAttachment(Attachment, QuicConnectionProtocol):
    """The connection is QUIC, by aioquic; a transport fills in `transport_event` too."""

    termination: ConnectionTerminated | None

    def __init__(self, quic: QuicConnection, *arguments: Any, **options: Any) -> None:
        QuicConnectionProtocol.__init__(self, quic, *arguments, **options)
        Attachment.__init__(self)

    @property
    def quic(self) -> QuicConnection:
        """The connection below; call `transmit` after a change to it."""
        return self._quic

    def transport_event(self, event: QuicEvent) -> None:
        raise NotImplementedError

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ConnectionTerminated):
            self.ended(event)
        else:
            self.transport_event(event)
        self._changed.set()

    async def terminated(self, seconds: float = 5) -> ConnectionTerminated:
        await self.until(lambda: self.termination, "the end of the connection", seconds)
        assert self.termination is not None
        return self.termination


def abridged(event: Event) -> str:
    text = str(event)
    return text if len(text) <= 600 else text[:600] + "…"
