"""A turn by the sub-protocol parallax.rtp: a frame is a binary message, the receipt is intact and the echo is the prompt."""

import harness
from conversation import hold_turn
from harness import Case
from wsocket import RTP, dial


async def case(case: Case) -> None:
    async with case.serve() as server, dial(server, RTP) as client:
        assert client.connection.subprotocol == RTP, client.connection.subprotocol
        await hold_turn(client, case.opus_packets(), "websocket", "stream")
        await client.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
