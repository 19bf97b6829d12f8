"""A turn on the data channel parallax-media, unordered, with a lifetime; the receipt is intact and the echo comes by channel, too."""

import harness
from aiortc_call import Call
from calls import signalling
from conversation import hold_turn
from harness import Case

MODE = "deadline"


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http:
        call = Call()
        await call.make(http)
        await call.open_media(MODE)
        await hold_turn(call, case.opus_packets(), "webrtc", MODE)
        assert call.packets_by_channel == call.packets, "frames came by SRTP"
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
