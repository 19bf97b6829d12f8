"""A server that stops tells its WebSockets so and waits for none of them."""

import asyncio

import harness
from conversation import begin
from harness import Case
from wsocket import RTP, dial


async def case(case: Case) -> None:
    async with case.serve("--drain-ms", "200") as server, dial(server, RTP) as client:
        await begin(client, "stream")
        server.terminate()
        await client.until(lambda: client.termination, "the end of the connection", 5)
        assert client.connection.close_code == 1000, client.termination
        assert "going away" in (client.connection.close_reason or ""), client.termination
        assert await asyncio.wait_for(server.process.wait(), 5) == 0


if __name__ == "__main__":
    harness.run(case)
