"""Headless Chromium is asked for what a lossy network took, by generic NACK, and sends all of it again."""

import harness
from browser_calls import CHROMIUM, speak
from harness import Case
from lossy_relay import Relay

SESSION = {"type": "realtime", "parallax": {"reliability": {"mode": "nack"}}}
LOST = (20, 21, 22, 60, 61, 90)


async def case(case: Case) -> None:
    between = Relay()
    between.to_server.loses = lambda number: number in LOST
    result = await speak(case, CHROMIUM, "nack", session=SESSION, between=between)
    assert set(between.to_server.lost) <= set(between.to_server.repeated), "not all was sent again"
    assert result["receipt"]["recovered"]["nack"] == len(LOST), result["receipt"]["recovered"]
    assert result["stats"]["packetsSentAgain"] >= len(LOST), result["stats"]


if __name__ == "__main__":
    harness.run(case)
