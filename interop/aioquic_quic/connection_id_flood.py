"""More connection IDs than the server asked for end the connection, CONNECTION_ID_LIMIT_ERROR (RFC 9000 section 5.1.1)."""

import os

import harness
from aioquic.quic.connection import QuicConnectionId
from conversation import begin, hold_turn
from harness import Case, resident_bytes
from roq import RoQ

CONNECTION_ID_LIMIT_ERROR = 0x09


async def case(case: Case) -> None:
    async with case.serve() as server:
        async with case.connect(server, RoQ) as attacker:
            await begin(attacker, "datagram")
            before = resident_bytes(server)
            for number in range(400):
                attacker.quic._host_cids.append(
                    QuicConnectionId(os.urandom(8), sequence_number=100 + number, stateless_reset_token=os.urandom(16))
                )
                attacker.transmit()
            end = await attacker.terminated()
            assert end.error_code == CONNECTION_ID_LIMIT_ERROR, end
            growth = resident_bytes(server) - before
            assert growth < 8 << 20, f"memory grew by {growth} bytes"
        async with case.connect(server, RoQ) as client:
            await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
