"""The secret comes as a bearer token, among a browser's sub-protocols or in the query; the answer names the right sub-protocol."""

import harness
from conversation import begin
from harness import Case
from websockets.exceptions import InvalidStatus
from wsocket import PATH, dial

SECRET = "sk_of_the_interop_cases"
KEY = f"openai-insecure-api-key.{SECRET}"


async def case(case: Case) -> None:
    async with case.serve("--secret", SECRET) as server:
        for offered, chosen in (
            (["realtime", KEY, "openai-beta.realtime-v1"], "realtime"),
            ([KEY, "openai-beta.realtime-v1"], "openai-beta.realtime-v1"),
            (["realtime", "parallax.rtp", KEY], "parallax.rtp"),
        ):
            async with dial(server, *offered) as client:
                assert client.connection.subprotocol == chosen, client.connection.subprotocol
                session = await begin(client, "stream")
                assert session["model"] == "echo", session["model"]
        async with dial(server, additional_headers={"Authorization": f"Bearer {SECRET}"}) as client:
            assert client.connection.subprotocol is None
            await begin(client, "stream")
        async with dial(server, "realtime", path=f"{PATH}&client_secret={SECRET}") as client:
            await begin(client, "stream")
        for wrong in (["realtime"], ["realtime", "openai-insecure-api-key.sk_wrong"]):
            try:
                async with dial(server, *wrong):
                    raise AssertionError("taken in without its secret")
            except InvalidStatus as refusal:
                assert refusal.response.status_code == 401, refusal.response
                assert b"invalid_api_key" in (refusal.response.body or b""), refusal.response.body


if __name__ == "__main__":
    harness.run(case)
