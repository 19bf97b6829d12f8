"""Headless Firefox posts the session with its offer as a form, takes its turn, and hangs up by HTTP: its channel closes."""

import harness
from browser_calls import FIREFOX, HANG_UP, speak
from harness import Case

SESSION = {"type": "realtime", "model": "echo"}


async def case(case: Case) -> None:
    result = await speak(case, FIREFOX, "datagram", end=HANG_UP, session=SESSION)
    assert result["session"]["model"] == "echo", result["session"]


if __name__ == "__main__":
    harness.run(case)
