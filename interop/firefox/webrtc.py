"""Headless Firefox speaks a clip by SRTP, events by data channel; the counts agree, and the echo is as loud at the same times."""

import harness
from browser_calls import FIREFOX, speak
from harness import Case


async def case(case: Case) -> None:
    await speak(case, FIREFOX, "datagram")


if __name__ == "__main__":
    harness.run(case)
