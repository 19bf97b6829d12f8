"""A turn by SRTP; every frame came as it was sent, the receipt is intact, and the echo is the prompt."""

import harness
from aiortc_call import Call
from calls import signalling
from conversation import hold_turn
from harness import Case


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http:
        call = Call()
        await call.make(http)
        await hold_turn(call, case.opus_packets(), "webrtc", "datagram")
        assert not call.packets_by_channel, "frames came by a data channel"
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
