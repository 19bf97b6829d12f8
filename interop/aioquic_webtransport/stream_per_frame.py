"""A turn over WebTransport, a stream for each frame; the receipt is intact and the echo is the prompt."""

import harness
from conversation import hold_turn
from harness import Case
from webtransport import WebTransport


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.open_session()
        await hold_turn(client, case.opus_packets(), "webtransport", "stream-per-frame")


if __name__ == "__main__":
    harness.run(case)
