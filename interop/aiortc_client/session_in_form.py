"""The offer in a form with the session beside it, as those who hold the API key post it; the mode is there from the start."""

import harness
from aiortc_call import Call
from calls import signalling
from conversation import take_turn
from harness import Case

SESSION = {"type": "realtime", "model": "echo", "parallax": {"reliability": {"mode": "stream"}}}


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http:
        call = Call()
        await call.make(http, SESSION)
        assert call.reply.headers["location"].split("/")[-1].startswith("rtc_"), call.reply.headers
        created = await call.expect("session.created")
        assert created["session"]["parallax"]["reliability"]["mode"] == "stream", created["session"]
        await call.open_media("stream")
        await take_turn(call, case.opus_packets(), "webrtc", "stream")
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
