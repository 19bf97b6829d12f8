"""The client moves on purpose: a new port and a new connection ID at once (RFC 9000 section 9)."""

import harness
from conversation import begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case, move_to_new_port
from realtime import packetize
from webtransport import WebTransport


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    middle = len(packets) // 2
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.open_session()
        await begin(client, "stream")
        await send_prompt(client, packets[:middle], "stream")
        await client.until(lambda: client.quic._peer_cid_available, "a second connection ID")
        await move_to_new_port(client)
        client.change_connection_id()
        await send_prompt(client, packets[middle:], "stream")
        check_intact(await commit_prompt(client, packets), packets, "webtransport", "stream")
        await hear_echo(client, packets)


if __name__ == "__main__":
    harness.run(case)
