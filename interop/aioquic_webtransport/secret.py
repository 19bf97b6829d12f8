"""A server that demands a secret refuses whoever has none or another, and takes it as a bearer token."""

import harness
from conversation import begin
from harness import Case
from webtransport import WebTransport

SECRET = "ek_of_the_interop_cases"


async def case(case: Case) -> None:
    async with case.serve("--secret", SECRET) as server:
        async with case.connect(server, WebTransport) as client:
            # A page cannot set header fields.
            status = await client.connect_session(f"/v1/realtime?model=echo&client_secret={SECRET}")
            assert status == 200, f"answered with {status}"
        for header in ({}, {"authorization": "Bearer ek_another"}):
            async with case.connect(server, WebTransport) as client:
                status = await client.connect_session(**header)
                assert status in (401, 403), f"answered with {status}"
        async with case.connect(server, WebTransport) as client:
            status = await client.connect_session(authorization=f"Bearer {SECRET}")
            assert status == 200, f"answered with {status}"
            await begin(client, "datagram")


if __name__ == "__main__":
    harness.run(case)
