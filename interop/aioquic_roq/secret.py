"""A server that demands a secret takes it from the first event; whoever has none is refused."""

import harness
from harness import Case
from realtime import choose_mode
from roq import RoQ

SECRET = "ek_of_the_interop_cases"


async def case(case: Case) -> None:
    async with case.serve("--secret", SECRET) as server:
        async with case.connect(server, RoQ) as client:
            client.send_event(choose_mode("datagram"))
            end = await client.terminated()
            assert end.error_code != 0, end
        async with case.connect(server, RoQ) as client:
            client.send_event({**choose_mode("datagram"), "parallax": {"client_secret": SECRET}})
            await client.expect("session.updated")


if __name__ == "__main__":
    harness.run(case)
