"""Opus packets as base64, one an append: the receipt is intact, the echo comes as deltas of the same packets, then done."""

import asyncio
import base64

import harness
from conversation import begin, check_intact, commit_prompt, send_prompt
from harness import Case
from realtime import client_event, packetize
from wsocket import REALTIME, dial

OPUS = {"format": {"type": "audio/opus"}}


async def case(case: Case) -> None:
    async with case.serve() as server, dial(server, REALTIME, plain=True) as client:
        await begin(client, "stream")
        session = {"type": "realtime", "audio": {"input": OPUS, "output": OPUS}}
        client.send_event(client_event("session.update", session=session))
        await client.expect("session.updated")
        # Appended frames are numbered from 0, in their order.
        packets = packetize(case.opus_packets(), first_sequence=0)
        await send_prompt(client, packets, "stream")
        check_intact(await commit_prompt(client, packets), packets, "websocket", "stream")
        client.send_event(client_event("response.create"))
        created = await client.expect("response.created")
        part = await client.expect("response.content_part.added")
        began = asyncio.get_running_loop().time()
        heard = []
        while (event := await client.receive_event())["type"] != "response.output_audio.done":
            if event["type"] == "response.output_audio.delta":
                assert event["response_id"] == created["response"]["id"], event
                assert event["item_id"] == part["item_id"], event
                heard.append(base64.b64decode(event["delta"]))
        took = asyncio.get_running_loop().time() - began
        assert heard == [packet.payload for packet in packets], "the echo differs"
        assert took < len(packets) * 0.02 / 2, f"the answer took {took} s: it is not sent ahead of its play-out"
        assert (await client.expect("response.done"))["response"]["status"] == "completed"


if __name__ == "__main__":
    harness.run(case)
