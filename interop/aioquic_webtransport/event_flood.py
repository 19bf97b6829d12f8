"""A client that floods the server with events is told, and then loses its own session; another's turn is not harmed."""

import asyncio
import contextlib

import harness
from attachment import Unexpected
from conversation import begin, hold_turn
from harness import Case
from realtime import client_event
from webtransport import WebTransport


async def flood(attacker: WebTransport) -> None:
    while not attacker.session_over:
        with contextlib.suppress(AssertionError):
            attacker.send_event(client_event("input_audio_buffer.clear"))
        await asyncio.sleep(0.0005)


async def case(case: Case) -> None:
    async with case.serve() as server:
        async with case.connect(server, WebTransport) as attacker, case.connect(server, WebTransport) as client:
            await attacker.open_session()
            await begin(attacker, "datagram")
            flooding = asyncio.create_task(flood(attacker))
            await client.open_session()
            await hold_turn(client, case.opus_packets(), "webtransport", "datagram")
            try:
                await attacker.expect("rate_limit_exceeded")
            except Unexpected as told:
                assert "rate_limit_exceeded" in str(told), told
            await attacker.until(lambda: attacker.session_over, "the end of the flooding session", 15)
            flooding.cancel()


if __name__ == "__main__":
    harness.run(case)
