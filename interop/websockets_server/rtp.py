"""`parallax talk` speaks a clip as binary RTP to a server made of websockets, which heard all of it."""

import harness
from harness import Case
from wsocket_server import meet


async def case(case: Case) -> None:
    await meet(case, "rtp")


if __name__ == "__main__":
    harness.run(case)
