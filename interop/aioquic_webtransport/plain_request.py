"""An ordinary GET gets a status of its own and breaks nothing."""

import harness
from conversation import begin
from harness import Case
from webtransport import WebTransport


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        status = await client.connect_session(**{":method": "GET", ":protocol": ""})
        assert 400 <= status < 500, f"answered with {status}"
        await client.open_session()
        await begin(client, "datagram")


if __name__ == "__main__":
    harness.run(case)
