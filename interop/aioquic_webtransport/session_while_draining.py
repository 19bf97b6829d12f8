"""A server that is stopping takes no new session, and lets the one that goes on finish its turn."""

import harness
from attachment import Unexpected
from conversation import begin, take_turn
from harness import Case
from webtransport import WebTransport


async def case(case: Case) -> None:
    payloads = case.opus_packets()[:50]
    async with case.serve("--drain-ms", "8000") as server:
        async with case.connect(server, WebTransport) as client:
            await client.open_session()
            await begin(client, "datagram")
            server.terminate()
            await client.until(lambda: client.draining, "WT_DRAIN_SESSION")
            try:
                async with case.connect(server, WebTransport) as late:
                    status = await late.connect_session()
                    assert status == 503, f"a new session was answered with {status}"
            except (ConnectionError, TimeoutError, Unexpected) as refusal:
                print("-- the connection was refused:", refusal, flush=True)
            await take_turn(client, payloads, "webtransport", "datagram")


if __name__ == "__main__":
    harness.run(case)
