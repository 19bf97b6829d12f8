"""Tokens that are made up, used or of an ended session are refused, each with its status; the live session goes on."""

import harness
from conversation import begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case, Server
from realtime import packetize
from resumption import hear_resumed, token_of
from webtransport import WebTransport

INVALID, USED, EXPIRED = 404, 409, 410
SUPERSEDED = 2


async def check_refused(case: Case, server: Server, token: str, status: int) -> None:
    async with case.connect(server, WebTransport) as stranger:
        answered = await stranger.resume_session(token)
        assert answered == status, f"{token!r} was answered with {answered}, wanted {status}"


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    third = len(packets) // 3
    async with case.serve() as server, case.connect(server, WebTransport) as first:
        await first.open_session()
        session = await begin(first, "stream")
        token = token_of(session)
        await send_prompt(first, packets[:third], "stream")
        other_end = "1" if token.endswith("0") else "0"
        for made_up in (token[:-1] + other_end, token[:-1], token.upper(), session["id"], ""):
            await check_refused(case, server, made_up, INVALID)
        await send_prompt(first, packets[third : 2 * third], "stream")

        async with case.connect(server, WebTransport) as second:
            status = await second.resume_session(token, first.heard_events[-1]["event_id"])
            assert status == 200, f"answered with {status}"
            resumed = await hear_resumed(second, session["id"], token, ["webtransport"] * 2)
            await check_refused(case, server, token, USED)
            await send_prompt(second, packets[2 * third :], "stream")
            receipt = await commit_prompt(second, packets)
            check_intact(receipt, packets, "webtransport", "stream")
            assert receipt["transports"] == ["webtransport"] * 2, receipt["transports"]
            await hear_echo(second, packets)
            await first.until(lambda: first.session_over, "the end of the former connection")
            assert first.session_closed is not None and first.session_closed[0] == SUPERSEDED, first.session_closed
            await check_refused(case, server, token, USED)
            second.close_session(0, "goodbye")
            await server.saw_close(0, "goodbye")
            await check_refused(case, server, token_of(resumed["session"]), EXPIRED)


if __name__ == "__main__":
    harness.run(case)
