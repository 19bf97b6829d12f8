"""`parallax talk` speaks a clip over RTP over QUIC, on a stream for each frame, to a server made of aioquic, which heard all of it."""

import harness
from harness import Case
from meeting import meet


async def case(case: Case) -> None:
    await meet(case, "roq", "stream-per-frame")


if __name__ == "__main__":
    harness.run(case)
