"""A session moves from WebTransport to RTP over QUIC in mid-prompt; a used or made-up token is refused by name."""

import harness
from conversation import begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case
from realtime import packetize
from resumption import hear_resumed, token_of
from roq import RoQ
from webtransport import WebTransport

SUPERSEDED = 2


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    third = len(packets) // 3
    async with case.serve() as server, case.connect(server, WebTransport) as first:
        await first.open_session()
        session = await begin(first, "datagram")
        token = token_of(session)
        await send_prompt(first, packets[:third], "datagram")
        async with case.connect(server, RoQ) as second:
            second.resume_session(token, first.heard_events[-1]["event_id"])
            resumed = await hear_resumed(second, session["id"], token, ["webtransport", "roq"])
            assert second.heard_events == [resumed], f"{len(second.heard_events)} events came instead of one"
            # Frames under way on the former connection are still taken.
            await send_prompt(first, packets[third : third + 10], "datagram")
            await send_prompt(second, packets[third + 10 :], "datagram")
            receipt = await commit_prompt(second, packets)
            check_intact(receipt, packets, "roq", "datagram")
            assert receipt["transports"] == ["webtransport", "roq"], receipt["transports"]
            for refused, code in ((token, "409 resume_token_used"), ("rt_made_up", "404 resume_token_invalid")):
                async with case.connect(server, RoQ) as stranger:
                    stranger.resume_session(refused)
                    end = await stranger.terminated()
                    assert end.reason_phrase.startswith(code), end
            await hear_echo(second, packets)
            await first.until(lambda: first.session_over, "the end of the former connection")
            assert first.session_closed is not None and first.session_closed[0] == SUPERSEDED, first.session_closed


if __name__ == "__main__":
    harness.run(case)
