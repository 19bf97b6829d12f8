"""The client's address changes in mid prompt, as when a NAT forgets it; the session does not notice."""

import harness
from conversation import begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case, move_to_new_port
from realtime import packetize
from roq import RoQ


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    middle = len(packets) // 2
    async with case.serve() as server, case.connect(server, RoQ) as client:
        await begin(client, "datagram")
        await send_prompt(client, packets[:middle], "datagram")
        await move_to_new_port(client)
        await send_prompt(client, packets[middle:], "datagram")
        check_intact(await commit_prompt(client, packets), packets, "roq", "datagram")
        await hear_echo(client, packets)


if __name__ == "__main__":
    harness.run(case)
