"""A turn on the data channel parallax-media, unordered, with a lifetime; the receipt is intact and the echo comes by channel, too."""

import harness
from aiortc_call import turn_by_channel
from harness import Case


async def case(case: Case) -> None:
    await turn_by_channel(case, "deadline")


if __name__ == "__main__":
    harness.run(case)
