"""libwebrtc sends again what our NACKs ask for: the same losses that are holes in mode datagram leave none."""

import harness
import sound
from calls import signalling
from harness import Case
from libwebrtc_call import Call
from libwebrtc_turn import commit_speech, hear, speak
from lossy_relay import relay

SESSION = {"type": "realtime", "parallax": {"reliability": {"mode": "nack"}}}
LOST = (20, 21, 22, 60, 61, 90)


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        between.to_server.loses = lambda number: number in LOST
        call = Call()
        await call.make(http, SESSION, through=between)
        assert "nack" in call.reply.text, "the answer asks for no NACK"
        created = await call.expect("session.created")
        assert created["session"]["parallax"]["reliability"]["mode"] == "nack", created["session"]
        await speak(call, clip, between)
        receipt = await commit_speech(call, between)
        assert len(between.to_server.lost) == len(LOST), between.to_server.lost
        assert set(between.to_server.lost) <= set(between.to_server.repeated), "not all was sent again"
        assert receipt["missing"] == [], receipt["missing"]
        assert receipt["received_frames"] == len(between.to_server.first_sent), receipt["received_frames"]
        assert receipt["recovered"]["nack"] == len(LOST), receipt["recovered"]
        assert (await call.stats("outbound-rtp")).nack_count, "libwebrtc counted no NACK"
        await hear(call, clip)
        await call.close()


if __name__ == "__main__":
    harness.run(case)
