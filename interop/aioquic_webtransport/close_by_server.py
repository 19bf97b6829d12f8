"""A server that is told to stop announces it, closes the session with a code and a reason, and exits 0."""

import harness
from conversation import begin
from harness import Case
from webtransport import WebTransport


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.open_session()
        await begin(client, "datagram")
        server.terminate()
        await client.until(lambda: client.draining, "WT_DRAIN_SESSION", 10)
        await client.until(lambda: client.session_closed, "WT_CLOSE_SESSION", 10)
        assert client.session_closed is not None
        code, reason = client.session_closed
        assert reason, f"closed with code {code} and no reason"


if __name__ == "__main__":
    harness.run(case)
