"""Three thousand clients at sixty addresses say hello and no more: memory is bounded, and a turn is held among them."""

import asyncio

import harness
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from conversation import hold_turn
from harness import Case, resident_bytes
from roq import ALPN, RoQ

COUNT = 3_000
SOURCES = [f"127.0.1.{number}" for number in range(1, 61)]


def first_flight(address: tuple[str, int]) -> list[bytes]:
    quic = QuicConnection(configuration=QuicConfiguration(alpn_protocols=ALPN, max_datagram_frame_size=65_535))
    quic.connect(address, now=0.0)
    return [datagram for datagram, _ in quic.datagrams_to_send(now=0.0)]


async def case(case: Case) -> None:
    async with case.serve() as server:
        loop = asyncio.get_running_loop()
        transports = [
            (await loop.create_datagram_endpoint(asyncio.DatagramProtocol, (source, 0), server.address))[0]
            for source in SOURCES
        ]
        before = resident_bytes(server)
        flights = await asyncio.to_thread(lambda: [first_flight(server.address) for _ in range(COUNT)])
        for number, flight in enumerate(flights):
            for datagram in flight:
                transports[number % len(transports)].sendto(datagram)
            if number % 20 == 0:
                await asyncio.sleep(0.005)
        async with case.connect(server, RoQ) as client:
            await hold_turn(client, case.opus_packets(), "roq", "datagram")
        for transport in transports:
            transport.close()
        growth = resident_bytes(server) - before
        assert growth < 64 << 20, f"memory grew by {growth} bytes"


if __name__ == "__main__":
    harness.run(case)
