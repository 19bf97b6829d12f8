"""aiortc speaks a clip by its own Opus encoder; all of it arrived, and the echo is as loud as the clip at the same times."""

import asyncio

import harness
import sound
from aiortc_call import Call, ClipTrack
from calls import signalling
from conversation import begin, check_intact, commit_prompt, hear_echo
from harness import Case


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    track = ClipTrack(clip, speed=2)
    async with case.serve() as server, signalling(server) as http:
        call = Call(track)
        await call.make(http)
        await begin(call, "datagram")
        await asyncio.wait_for(track.is_over.wait(), 10)
        packets = call.tap.sent
        assert len(packets) > 100, len(packets)
        check_intact(await commit_prompt(call, packets), packets, "webrtc", "datagram")
        await hear_echo(call, packets)
        sound.check_heard(sound.decode(packet.payload for packet in call.packets), clip, "the echo")
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
