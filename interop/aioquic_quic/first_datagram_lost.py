"""The very first datagram is lost; the connection opens all the same."""

import harness
from conversation import hold_turn
from harness import Case, Meddler
from roq import RoQ


async def case(case: Case) -> None:
    async with case.serve() as server:
        async with case.connect(server, RoQ, between=Meddler(lose={0})) as client:
            await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
