"""Headless Chromium sends RTP packets on an ordered data channel; the receipt is intact and the echo is the prompt."""

import harness
from browser_calls import CHROMIUM, send_packets
from harness import Case


async def case(case: Case) -> None:
    await send_packets(case, CHROMIUM, "stream")


if __name__ == "__main__":
    harness.run(case)
