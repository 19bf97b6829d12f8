"""An offer without candidates; they follow by PATCH, which must name the ICE session (RFC 9725 section 4.3)."""

import harness
from aiortc_call import Call
from calls import FRAGMENT, WHIP, Reply, Signalling, signalling
from conversation import hold_turn
from harness import Case


def without_candidates(sdp: str) -> str:
    return "".join(line for line in sdp.splitlines(True) if not line.startswith(("a=candidate", "a=end-of-candidates")))


def fragment(sdp: str) -> str:
    """The same candidates, as RFC 8840 section 9 writes them."""
    lines = sdp.splitlines()
    names = ("a=ice-ufrag", "a=ice-pwd", "a=candidate", "a=mid")
    [*found] = [line for line in lines[: lines.index("a=mid:1")] if line.startswith(names)]
    media = next(line for line in lines if line.startswith("m="))
    ice = [line for line in found if line.startswith("a=ice-")][:2]
    candidates = [line for line in found if line.startswith("a=candidate")]
    return "\r\n".join([*ice, media, "a=mid:0", *candidates, "a=end-of-candidates", ""])


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http:
        call = Call()
        offer = await call.offer()
        reply = await http.post_offer(without_candidates(offer), path=WHIP)
        location, tag = reply.headers["location"], reply.headers["etag"]
        body = fragment(offer)

        (await patch(http, location, body)).expect_error(428)
        (await patch(http, location, body, '"another"')).expect_error(412)
        (await patch(http, location, body, tag, kind="text/plain")).expect_error(415)
        (await patch(http, location + "x", body, tag)).expect_error(404)
        (await patch(http, location, body, tag)).expect(204)
        await call.accept(reply)
        await hold_turn(call, case.opus_packets(), "webrtc", "datagram")
        # Candidates that come late are no restart.
        (await patch(http, location, body, tag)).expect(204)
        await call.close()


async def patch(http: Signalling, path: str, body: str, tag: str | None = None, kind: str = FRAGMENT) -> Reply:
    headers = {"Content-Type": kind} | ({"If-Match": tag} if tag else {})
    return await http.request("PATCH", path, data=body, headers=headers)


if __name__ == "__main__":
    harness.run(case)
