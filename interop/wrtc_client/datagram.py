"""libwebrtc speaks a clip and hears the echo, as loud and at the same times; packets that the network lost are holes."""

import harness
import sound
from calls import signalling
from conversation import begin
from harness import Case
from libwebrtc_call import Call
from libwebrtc_turn import commit_speech, hear, speak
from lossy_relay import relay


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        between.to_server.loses = lambda number: number in (20, 21, 22, 60)
        call = Call()
        await call.make(http, through=between)
        await begin(call, "datagram")
        await speak(call, clip, between)
        receipt = await commit_speech(call, between)
        assert receipt["verdict"] == "unverified", receipt["verdict"]
        holes = [{"from_ms": 400, "to_ms": 460}, {"from_ms": 1_200, "to_ms": 1_220}]
        assert receipt["missing"] == holes, receipt["missing"]
        assert receipt["received_frames"] == len(between.to_server.first_sent) - 4, receipt["received_frames"]
        await hear(call, clip)
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
