"""A turn over RTP over QUIC, every frame is a datagram; the receipt is intact and the echo is the prompt."""

import harness
from conversation import hold_turn
from harness import Case
from roq import RoQ


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, RoQ) as client:
        await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
