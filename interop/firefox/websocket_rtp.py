"""Headless Firefox speaks binary RTP by parallax.rtp, its secret among them, and hears the echo."""

import harness
from browser_sockets import hold_turn
from browsers import firefox
from harness import Case


async def case(case: Case) -> None:
    await hold_turn(case, firefox, ["parallax.rtp"], "parallax.rtp")


if __name__ == "__main__":
    harness.run(case)
