"""`parallax talk` speaks a clip over WebTransport, in datagrams, to a server made of aioquic, which heard all of it."""

import harness
from harness import Case
from meeting import meet


async def case(case: Case) -> None:
    await meet(case, "webtransport", "datagram")


if __name__ == "__main__":
    harness.run(case)
