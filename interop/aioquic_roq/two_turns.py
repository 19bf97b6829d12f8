"""Two prompts on one session, across the wrap of the sequence number; each has a receipt of its own."""

import harness
from conversation import begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case
from realtime import packetize
from roq import RoQ


async def case(case: Case) -> None:
    payloads = case.opus_packets()
    first = packetize(payloads, first_sequence=65_536 - len(payloads) // 2)
    second = packetize(payloads[::-1], first[-1].sequence + 1, first[-1].timestamp + 48_000)
    async with case.serve() as server, case.connect(server, RoQ) as client:
        await begin(client, "datagram")
        for packets in (first, second):
            await send_prompt(client, packets, "datagram")
            check_intact(await commit_prompt(client, packets), packets, "roq", "datagram")
            await hear_echo(client, packets)


if __name__ == "__main__":
    harness.run(case)
