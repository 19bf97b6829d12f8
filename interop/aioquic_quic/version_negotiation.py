"""A client that begins with a version nobody speaks is told which ones are spoken, and comes again."""

import harness
from conversation import hold_turn
from harness import Case
from roq import RoQ

# A version of the form 0x?a?a?a?a is never spoken (RFC 9000 section 15).
UNKNOWN = 0x1A2A3A4A
VERSION_1 = 0x00000001


async def case(case: Case) -> None:
    async with case.serve() as server:
        versions = {"original_version": UNKNOWN, "supported_versions": [UNKNOWN, VERSION_1]}
        async with case.connect(server, RoQ, **versions) as client:
            assert client.quic._version_negotiated_incompatible, "no Version Negotiation packet came"
            await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
