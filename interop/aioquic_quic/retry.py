"""A server that always asks for a Retry first (RFC 9000 section 8.1.2) serves the client that comes back."""

import harness
from conversation import hold_turn
from harness import Case
from roq import RoQ


async def case(case: Case) -> None:
    async with case.serve("--retry", "always") as server, case.connect(server, RoQ) as client:
        assert client.quic._retry_count == 1, f"{client.quic._retry_count} Retry packets came"
        await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
