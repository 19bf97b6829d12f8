"""`parallax talk` speaks a clip in base64, as OpenAI has it, to a server made of websockets, which heard all of it."""

import harness
from harness import Case
from wsocket_server import meet


async def case(case: Case) -> None:
    await meet(case, "openai")


if __name__ == "__main__":
    harness.run(case)
