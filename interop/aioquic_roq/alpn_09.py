"""A client that offers only `roq-09`, as the BBC's and older tools do, is served like any other."""

import harness
from conversation import hold_turn
from harness import Case
from roq import RoQ


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, RoQ, alpn=["roq-09"]) as client:
        await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
