"""Packets of unknown flows are refused or kept within bounds, by streams and datagrams; the session goes on."""

import harness
from conversation import begin, check_intact, commit_prompt, send_prompt
from harness import Case
from realtime import ROQ_UNKNOWN_FLOW_ID, packetize
from roq import RoQ


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    async with case.serve() as server:
        async with case.connect(server, RoQ) as client:
            await begin(client, "datagram")
            for flow in (2, 77, 1 << 40, (1 << 62) - 1):
                for mode in ("datagram", "stream-per-frame"):
                    client.send_packet(packets[0].encode(), mode, flow)
            await client.ping()
            # The draft leaves the choice (section 5.1): close with this code, or buffer, and drop what goes over.
            if client.termination:
                assert client.termination.error_code == ROQ_UNKNOWN_FLOW_ID, client.termination
            else:
                await send_prompt(client, packets, "datagram")
                check_intact(await commit_prompt(client, packets), packets, "roq", "datagram")
        async with case.connect(server, RoQ) as client:
            await begin(client, "datagram")


if __name__ == "__main__":
    harness.run(case)
