"""Streams and datagrams take turns within one prompt, with no word about it: a receiver must not mind."""

import asyncio

import harness
from attachment import MODES
from conversation import begin, check_intact, commit_prompt, hear_echo
from harness import Case
from realtime import packetize
from roq import RoQ


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    async with case.serve() as server, case.connect(server, RoQ) as client:
        await begin(client, "stream")
        for index, packet in enumerate(packets):
            client.send_packet(packet.encode(), MODES[index % len(MODES)])
            await asyncio.sleep(0.002)
        check_intact(await commit_prompt(client, packets), packets, "roq", "stream")
        await hear_echo(client, packets)


if __name__ == "__main__":
    harness.run(case)
