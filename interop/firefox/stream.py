"""Headless Firefox speaks a clip on one stream, trusting the server by its certificate's hash, and hears it again."""

import harness
from browsers import firefox, hold_turn
from harness import Case


async def case(case: Case) -> None:
    await hold_turn(case, firefox, "stream")


if __name__ == "__main__":
    harness.run(case)
