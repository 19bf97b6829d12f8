"""Headless Chromium speaks base64 Opus by OpenAI's two sub-protocols, its secret among them, and hears the echo."""

import harness
from browser_sockets import hold_turn
from browsers import chromium
from harness import Case


async def case(case: Case) -> None:
    await hold_turn(case, chromium, ["realtime"], "realtime")


if __name__ == "__main__":
    harness.run(case)
