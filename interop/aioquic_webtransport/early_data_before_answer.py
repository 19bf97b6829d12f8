"""Events and frames that a client sends before the answer to its CONNECT are kept, not lost."""

import harness
from conversation import check_intact, commit_prompt
from harness import Case
from realtime import choose_mode, packetize
from webtransport import PATH, WebTransport


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets()[:8])
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        client.send_connect(PATH)
        client.send_event(choose_mode("stream-per-frame"))
        for packet in packets:
            client.send_packet(packet.encode(), "stream-per-frame")
        assert await client.status() == 200
        await client.expect("session.updated")
        check_intact(await commit_prompt(client, packets), packets, "webtransport", "stream-per-frame")


if __name__ == "__main__":
    harness.run(case)
