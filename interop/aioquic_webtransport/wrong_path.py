"""A CONNECT to a path that is no session is answered with 404, and the connection can still open one."""

import harness
from conversation import begin
from harness import Case
from webtransport import WebTransport


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        status = await client.connect_session("/no/such/place")
        assert status == 404, f"answered with {status}"
        await client.open_session()
        await begin(client, "datagram")


if __name__ == "__main__":
    harness.run(case)
