"""An acknowledgement of a packet that was never sent ends the connection, PROTOCOL_VIOLATION (RFC 9000 section 13.1)."""

import harness
from aioquic.tls import Epoch
from conversation import begin
from harness import Case
from roq import RoQ

PROTOCOL_VIOLATION = 0x0A


async def case(case: Case) -> None:
    async with case.serve() as server:
        async with case.connect(server, RoQ) as client:
            await begin(client, "datagram")
            space = client.quic._spaces[Epoch.ONE_RTT]
            space.ack_queue.add(1_000_000)
            space.ack_at = 0
            client.transmit()
            end = await client.terminated()
            assert end.error_code == PROTOCOL_VIOLATION, end
        async with case.connect(server, RoQ) as client:
            await begin(client, "datagram")


if __name__ == "__main__":
    harness.run(case)
