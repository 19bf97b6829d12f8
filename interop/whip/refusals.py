"""Offers of every broken kind get a JSON error with a code, quickly, and the next call is none the worse."""

import harness
from aiortc_call import Call
from calls import CALLS, SDP, signalling
from conversation import begin
from harness import Case


def broken(offer: str) -> dict[str, str]:
    """Offers that cannot be answered, made from one that can."""
    lines = offer.splitlines(True)

    def without(*starts: str) -> str:
        return "".join(line for line in lines if not line.startswith(starts))

    return {
        "nothing": "",
        "JSON": '{"sdp": "v=0"}',
        "HTML": "<!doctype html><title>404</title>",
        "half an offer": offer[: len(offer) // 2],
        "no version": without("v="),
        "no media": "".join(lines[: next(i for i, line in enumerate(lines) if line.startswith("m="))]),
        "no fingerprint": without("a=fingerprint"),
        "no password": without("a=ice-pwd"),
        "no user": without("a=ice-ufrag"),
        "no Opus": offer.replace("opus/48000/2", "vorbis/48000/2"),
        "an answer's role": offer.replace("a=setup:actpass", "a=setup:both"),
        "a fingerprint of another length": offer.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:"),
        "ten thousand lines": offer + "a=x:y\r\n" * 10_000,
        "one endless line": offer + "a=" + "x" * 300_000 + "\r\n",
        "a zero byte": offer.replace("a=mid:0", "a=mid:\0"),
    }


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http:
        offer = await Call().offer()
        for name, sdp in broken(offer).items():
            reply = await http.request("POST", CALLS, data=sdp.encode(), headers={"Content-Type": SDP})
            assert reply.status in (400, 413, 422), f"{name}: status {reply.status}"
            print(name, "->", reply.expect_error(reply.status), flush=True)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            reply = await http.request("POST", CALLS, data=offer.encode(), headers={"Content-Type": kind})
            assert reply.status in (400, 415), f"{kind}: status {reply.status}"
            reply.expect_error(reply.status)
        (await http.request("GET", CALLS)).expect_error(405)
        (await http.request("POST", "/v1/realtime/nothing", data=offer)).expect_error(404)
        call = Call()
        await call.make(http)
        await begin(call, "datagram")
        await call.close()


if __name__ == "__main__":
    harness.run(case)
