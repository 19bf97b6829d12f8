"""Headless Chromium is asked for RED by the answer: each frame goes twice, and what a lossy network takes leaves no hole."""

import harness
from browser_calls import CHROMIUM, speak
from harness import Case
from lossy_relay import Relay

SESSION = {"type": "realtime", "parallax": {"reliability": {"mode": "red"}}}
LOST = (20, 40, 42, 60, 90, 110)


async def case(case: Case) -> None:
    between = Relay()
    between.to_server.loses = lambda number: number in LOST
    result = await speak(case, CHROMIUM, "red", session=SESSION, between=between)
    assert {packet.payload_type for packet in between.to_server.packets} == {63}, "Chromium sends no RED"
    assert result["receipt"]["recovered"]["red"] == len(LOST), result["receipt"]["recovered"]


if __name__ == "__main__":
    harness.run(case)
