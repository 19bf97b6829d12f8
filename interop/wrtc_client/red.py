"""libwebrtc sends RED where the answer prefers it, and plays ours: single packets that are lost leave no hole, either way."""

import harness
import sound
from calls import signalling
from harness import Case
from libwebrtc_call import Call
from libwebrtc_turn import commit_speech, hear, speak
from lossy_relay import relay

SESSION = {"type": "realtime", "parallax": {"reliability": {"mode": "red"}}}
LOST = (20, 40, 42, 60, 90, 110)


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        between.to_server.loses = between.to_client.loses = lambda number: number in LOST
        call = Call()
        await call.make(http, SESSION, through=between)
        await call.expect("session.created")
        await speak(call, clip, between)
        receipt = await commit_speech(call, between)
        assert len(between.to_server.lost) == len(LOST), between.to_server.lost
        assert {packet.payload_type for packet in between.to_server.packets} == {63}, "libwebrtc sends no RED"
        assert receipt["missing"] == [], receipt["missing"]
        assert receipt["received_frames"] == len(between.to_server.first_sent), receipt["received_frames"]
        assert receipt["recovered"]["red"] == len(LOST), receipt["recovered"]
        await hear(call, clip)
        assert {packet.payload_type for packet in between.to_client.packets} == {63}, "the server sends no RED"
        inbound = await call.stats("inbound-rtp")
        # One concealment is the end of the answer; each loss that RED did not cover would be another.
        assert inbound.concealment_events < len(LOST) / 2, inbound.concealment_events
        await call.close()


if __name__ == "__main__":
    harness.run(case)
