"""A ClientHello over two Initials, the second of them lost."""

import harness
from conversation import hold_turn
from harness import Case, Meddler
from roq import RoQ


async def case(case: Case) -> None:
    async with case.serve() as server:
        # aioquic's test of quantum readiness makes its ClientHello as long as the browsers' are.
        meddler = Meddler(lose={1})
        async with case.connect(server, RoQ, between=meddler, quantum_readiness_test=True) as client:
            assert meddler.count_before_answer >= 2, "the ClientHello fitted into one datagram"
            await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
