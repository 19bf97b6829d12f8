"""Every seventh datagram of the client is lost: on streams the prompt is intact, since aioquic and we recover it."""

import harness
from attachment import MODES
from conversation import begin, take_turn
from harness import Case, Meddler
from roq import RoQ


async def case(case: Case) -> None:
    payloads = case.opus_packets()[:75]
    async with case.serve() as server:
        for mode in MODES[1:]:
            network = Meddler(lose=range(5, 100_000, 7))
            async with case.connect(server, RoQ, between=network) as client:
                await begin(client, mode)
                await take_turn(client, payloads, "roq", mode)


if __name__ == "__main__":
    harness.run(case)
