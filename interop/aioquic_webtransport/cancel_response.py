"""A response is cancelled while it plays: its events end in order, and no frame follows."""

import asyncio

import harness
from conversation import begin, commit_prompt, send_prompt
from harness import Case
from realtime import client_event, packetize
from webtransport import WebTransport


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.open_session()
        await begin(client, "datagram")
        await send_prompt(client, packets, "datagram")
        await commit_prompt(client, packets)
        client.send_event(client_event("response.create"))
        await client.expect("output_audio_buffer.started")
        await client.until(lambda: len(client.packets) >= 10, "the first frames")
        client.send_event(client_event("response.cancel"))
        await client.expect("output_audio_buffer.cleared")
        await client.ping()
        heard = len(client.packets)
        assert heard < len(packets), "the answer had played already"
        await asyncio.sleep(0.3)
        assert len(client.packets) == heard, f"{len(client.packets) - heard} frames followed"


if __name__ == "__main__":
    harness.run(case)
