"""A client secret is minted, opens a call over plain HTTP on loopback, and nothing else does."""

import harness
from aiortc_call import Call
from calls import CALLS, signalling
from conversation import take_turn
from harness import Case

SESSION = {"type": "realtime", "model": "echo", "parallax": {"reliability": {"mode": "stream-per-frame"}}}


async def case(case: Case) -> None:
    async with case.serve("--secret", "the-api-key") as server, signalling(server) as http:
        (await http.request("POST", "/v1/realtime/client_secrets", json={"session": SESSION})).expect_error(401)
        reply = await http.request(
            "POST",
            "/v1/realtime/client_secrets",
            json={"expires_after": {"anchor": "created_at", "seconds": 60}, "session": SESSION},
            headers={"Authorization": "Bearer the-api-key"},
        )
        secret = reply.expect(200).json()
        assert secret["value"].startswith("ek_"), secret
        assert secret["session"]["parallax"]["reliability"]["mode"] == "stream-per-frame", secret
        call = Call()
        offer = await call.offer()
        (await http.post_offer(offer, Authorization="Bearer ek_of_somebody_else")).expect_error(401)
        path = f"{server.http_url}{CALLS}"
        bearer = f"Bearer {secret['value']}"
        await call.accept(await http.post_offer(offer, path=path, Authorization=bearer))
        created = await call.expect("session.created")
        assert created["session"]["parallax"]["reliability"]["mode"] == "stream-per-frame", created["session"]
        await call.open_media("stream-per-frame")
        await take_turn(call, case.opus_packets(), "webrtc", "stream-per-frame")
        await call.close()


if __name__ == "__main__":
    harness.run(case)
