"""A call as a form with a session, and hung up by OpenAI's verb; a session that cannot be is refused by its field."""

import harness
from harness import Case
from signalling import OFFER, curl


async def case(case: Case) -> None:
    offer = case.logs / "offer.sdp"
    offer.write_bytes(OFFER.encode())
    sdp = ("-F", f"sdp=<{offer};type=application/sdp")
    async with case.serve() as server:
        session = '{"type":"realtime","model":"echo","instructions":"be brief"}'
        made = (await curl(server, "/v1/realtime/calls", *sdp, "-F", f"session={session};type=application/json")).expect(201)
        (await curl(server, made.fields["location"] + "/hangup", "-X", "POST")).expect(200)
        wrong = await curl(server, "/v1/realtime/calls", *sdp, "-F", 'session={"tools":1};type=application/json')
        wrong.expect_error(400, "invalid_type")
        assert wrong.json["error"]["param"] == "session.tools", wrong.body
        (await curl(server, "/v1/realtime/calls", "-F", "session={}")).expect_error(400, "missing_required_parameter")


if __name__ == "__main__":
    harness.run(case)
