"""The newer `:protocol` token, `webtransport-h3` (draft-ietf-webtrans-http3-15), opens the same session."""

import harness
from conversation import begin
from harness import Case
from webtransport import WebTransport


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        status = await client.connect_session(**{":protocol": "webtransport-h3"})
        assert status == 200, f"answered with {status}"
        await begin(client, "datagram")


if __name__ == "__main__":
    harness.run(case)
