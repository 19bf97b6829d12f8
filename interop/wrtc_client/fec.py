"""libwebrtc puts a copy of the frame before into each Opus packet once our reports show loss: single losses are covered."""

import harness
import sound
from calls import signalling
from harness import Case
from libwebrtc_call import Call
from libwebrtc_turn import commit_speech, speak
from lossy_relay import relay

SESSION = {"type": "realtime", "parallax": {"reliability": {"mode": "fec"}}}


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        between.to_server.loses = lambda number: number % 8 == 7
        call = Call()
        await call.make(http, SESSION, through=between)
        assert "useinbandfec=1" in call.reply.text, "the answer asks for no FEC"
        await call.expect("session.created")
        # The first seconds teach the encoder that there is loss.
        await speak(call, clip + clip, between)
        receipt = await commit_speech(call, between)
        lost = len(between.to_server.lost)
        covered = receipt["recovered"]["fec"]
        print(f"{lost} packets lost, {covered} covered", flush=True)
        assert lost > 10, lost
        assert covered > lost / 4, f"{covered} of {lost} covered"
        assert len(receipt["missing"]) == lost - covered, receipt["missing"]
        await call.close()


if __name__ == "__main__":
    harness.run(case)
