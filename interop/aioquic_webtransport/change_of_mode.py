"""The mode changes twice in the middle of a prompt, and the prompt stays intact."""

import harness
from conversation import begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case
from realtime import choose_mode, packetize
from webtransport import WebTransport


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    third = len(packets) // 3
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.open_session()
        await begin(client, "datagram")
        await send_prompt(client, packets[:third], "datagram")
        for mode, part in (("stream", packets[third : 2 * third]), ("stream-per-frame", packets[2 * third :])):
            client.send_event(choose_mode(mode))
            await client.expect("session.updated")
            await send_prompt(client, part, mode)
        check_intact(await commit_prompt(client, packets), packets, "webtransport", "stream-per-frame")
        await hear_echo(client, packets)


if __name__ == "__main__":
    harness.run(case)
