"""A session by WHIP, from POST to DELETE: 201, Location, ETag; a turn by SRTP; DELETE ends it, and a second one finds nothing."""

import harness
from aiortc_call import Call
from calls import WHIP, signalling
from conversation import hold_turn
from harness import Case


async def case(case: Case) -> None:
    async with case.serve("--secret", "whip-secret") as server, signalling(server) as http:
        call = Call()
        offer = await call.offer()
        error = (await http.post_offer(offer, path=WHIP)).expect_error(401)
        assert error["param"] == "Authorization", error
        await call.accept(await http.post_offer(offer, path=WHIP, Authorization="Bearer whip-secret"))
        assert call.reply.headers["etag"].startswith('"'), call.reply.headers
        location = call.reply.headers["location"]
        assert location.startswith("/whip/"), location
        await hold_turn(call, case.opus_packets(), "webrtc", "datagram")
        (await http.request("DELETE", location)).expect(200)
        await call.until(lambda: call.termination, "the end of the connection")
        (await http.request("DELETE", location)).expect_error(404)
        await call.close()


if __name__ == "__main__":
    harness.run(case)
