"""Datagrams of every length and every first byte, most of them senseless: nobody else suffers."""

import asyncio
import random
import socket

import harness
from conversation import hold_turn
from harness import Case
from roq import RoQ

LENGTHS = [*range(0, 64), *range(64, 1_500, 37)]


async def throw(address: tuple[str, int]) -> None:
    random_bytes = random.Random(7).randbytes
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for length in LENGTHS:
            for first in range(0, 256, 5):
                datagram = bytes([first]) + random_bytes(length - 1) if length else b""
                stranger.sendto(datagram, address)
                # A long header of version 1 gets further into the server.
                stranger.sendto(b"\xc0\x00\x00\x00\x01" + random_bytes(length), address)
            await asyncio.sleep(0.002)


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, RoQ) as client:
        throwing = asyncio.create_task(throw(server.address))
        await hold_turn(client, case.opus_packets(), "roq", "stream-per-frame")
        await throwing


if __name__ == "__main__":
    harness.run(case)
