"""Garbage of every first byte and many lengths, from strangers and from the client's own address, while a session goes on."""

import asyncio
import random
import socket

import harness
from aiortc_call import Call
from calls import signalling
from conversation import begin, take_turn
from harness import Case, Server, resident_bytes
from lossy_relay import Relay, relay

LENGTHS = [*range(0, 65), 100, 500, 1_200, 1_472, 9_000]


async def throw(server: Server, between: Relay) -> None:
    random_bytes = random.Random(11).randbytes
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for length in LENGTHS:
            for first in range(0, 256, 3):
                datagram = (bytes([first]) + random_bytes(length))[:length]
                stranger.sendto(datagram, server.address)
                between.send_to_server(datagram)
            await asyncio.sleep(0.002)


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        call = Call()
        await call.make(http, through=between)
        await begin(call, "datagram")
        before = resident_bytes(server)
        throwing = asyncio.create_task(throw(server, between))
        await take_turn(call, case.opus_packets(), "webrtc", "datagram")
        await throwing
        growth = resident_bytes(server) - before
        assert growth < 16 << 20, f"memory grew by {growth} bytes"
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
