"""Headless Chromium speaks a clip in datagrams, trusting the server by its certificate's hash, and hears it again."""

import harness
from browsers import chromium, hold_turn
from harness import Case


async def case(case: Case) -> None:
    await hold_turn(case, chromium, "datagram")


if __name__ == "__main__":
    harness.run(case)
