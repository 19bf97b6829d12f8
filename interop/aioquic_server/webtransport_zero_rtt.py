"""`parallax talk --tickets` over WebTransport speaks early to an aioquic server that knows it, and again to one that has forgotten it."""

import harness
from harness import Case
from meeting import meet_thrice


async def case(case: Case) -> None:
    await meet_thrice(case, "webtransport")


if __name__ == "__main__":
    harness.run(case)
