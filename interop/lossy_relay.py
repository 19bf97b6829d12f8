"""A UDP relay between a WebRTC client and the server, which loses the SRTP packets that a case chooses and remembers all."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import Any, AsyncIterator, Callable

from harness import HOST, Server


@dataclass(frozen=True)
class SRTPPacket:
    """What SRTP leaves in the clear: the header (RFC 3711 section 3.1)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    byte_count: int
    was_lost: bool


@dataclass
class Direction:
    """The SRTP packets that went one way, in order."""

    # Asked for each packet that is sent for the first time, with its number on the way from 0.
    loses: Callable[[int], bool] = lambda number: False
    packets: list[SRTPPacket] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)

    def pass_on(self, datagram: bytes) -> bool:
        """Takes note of a datagram; gives whether it goes on."""
        if len(datagram) < 12 or datagram[0] >> 6 != 2 or 192 <= datagram[1] <= 223:
            return True
        sequence = int.from_bytes(datagram[2:4], "big")
        is_first = sequence not in self._numbers
        number = self._numbers.setdefault(sequence, len(self._numbers))
        was_lost = is_first and self.loses(number)
        self.packets.append(
            SRTPPacket(
                datagram[1] & 0x7F,
                sequence,
                int.from_bytes(datagram[4:8], "big"),
                int.from_bytes(datagram[8:12], "big"),
                len(datagram),
                was_lost,
            )
        )
        return not was_lost

    @property
    def first_sent(self) -> list[SRTPPacket]:
        """Each packet once, as it was sent first."""
        found: dict[int, SRTPPacket] = {}
        for packet in self.packets:
            found.setdefault(packet.sequence, packet)
        return list(found.values())

    @property
    def lost(self) -> list[int]:
        return [packet.sequence for packet in self.packets if packet.was_lost]

    @property
    def repeated(self) -> list[int]:
        """The numbers of the packets that were sent again, each as often as it was."""
        seen: set[int] = set()
        again: list[int] = []
        for packet in self.packets:
            (again.append if packet.sequence in seen else seen.add)(packet.sequence)
        return again


class _End(asyncio.DatagramProtocol):
    def __init__(self, arrived: Callable[[bytes, Any], None]) -> None:
        self._arrived = arrived

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._arrived(data, address)


class Relay:
    """Has one client, the address that datagrams came from last."""

    def __init__(self) -> None:
        self.to_server = Direction()
        self.to_client = Direction()
        self.port = 0
        # Called with what the client sends, before it goes on.
        self.overhear: Callable[[bytes], None] = lambda datagram: None
        self._client: Any = None
        self._client_side: asyncio.DatagramTransport
        self._server_side: asyncio.DatagramTransport

    async def start(self, server: Server) -> None:
        loop = asyncio.get_running_loop()
        self._client_side, _ = await loop.create_datagram_endpoint(
            lambda: _End(self._from_client), local_addr=(HOST, 0)
        )
        self._server_side, _ = await loop.create_datagram_endpoint(
            lambda: _End(self._from_server), remote_addr=server.address
        )
        self.port = self._client_side.get_extra_info("sockname")[1]

    def stop(self) -> None:
        self._client_side.close()
        self._server_side.close()

    def send_to_server(self, datagram: bytes) -> None:
        """Says something that the client did not, from the client's address as the server knows it."""
        self._server_side.sendto(datagram)

    def _from_client(self, data: bytes, address: Any) -> None:
        self._client = address
        self.overhear(data)
        if self.to_server.pass_on(data):
            self._server_side.sendto(data)

    def _from_server(self, data: bytes, address: Any) -> None:
        if self._client is not None and self.to_client.pass_on(data):
            self._client_side.sendto(data, self._client)

    def lead_through(self, answer: str) -> str:
        """The server's answer with the relay in the place of its candidate."""
        candidate = re.compile(r"^(a=candidate:\S+ \d+ udp \d+ )(\S+) \d+ (.*)$", re.MULTILINE | re.IGNORECASE)
        changed, count = candidate.subn(rf"\g<1>{HOST} {self.port} \g<3>", answer)
        assert count, f"no candidate in the answer: {answer}"
        return changed


@contextlib.asynccontextmanager
async def relay(server: Server) -> AsyncIterator[Relay]:
    between = Relay()
    await between.start(server)
    try:
        yield between
    finally:
        between.stop()
