"""One client floods the server with datagrams of no flow that it knows; another's turn is not harmed."""

import asyncio

import harness
from conversation import begin, hold_turn
from harness import Case, resident_bytes
from roq import RoQ


async def flood(client: RoQ) -> None:
    number = 0
    while client.termination is None:
        client.send_packet(bytes(200), "datagram", flow=1_000 + number % 7)
        number += 1
        if number % 20 == 0:
            await asyncio.sleep(0.001)


async def case(case: Case) -> None:
    async with case.serve() as server:
        before = resident_bytes(server)
        async with case.connect(server, RoQ) as attacker, case.connect(server, RoQ) as client:
            await begin(attacker, "datagram")
            flooding = asyncio.create_task(flood(attacker))
            await hold_turn(client, case.opus_packets(), "roq", "stream")
            flooding.cancel()
        growth = resident_bytes(server) - before
        assert growth < 16 << 20, f"memory grew by {growth} bytes"


if __name__ == "__main__":
    harness.run(case)
