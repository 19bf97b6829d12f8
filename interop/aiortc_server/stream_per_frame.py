"""`parallax talk` speaks a clip on an unordered data channel to a server made of aiortc, whose ICE is a full agent's, and which heard all of it."""

import harness
from harness import Case
from meeting import meet_call


async def case(case: Case) -> None:
    [call] = await meet_call(case, "stream-per-frame")
    assert call.packets_by_channel, "the frames came by SRTP"


if __name__ == "__main__":
    harness.run(case)
