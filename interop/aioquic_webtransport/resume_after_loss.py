"""The connection is lost in mid-prompt without a word; over a new one, events and frames go on where they stopped."""

import harness
from conversation import RECEIPT, begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case, vanish
from realtime import choose_mode, packetize
from resumption import check_events, hear_resumed, lacking, token_of
from webtransport import WebTransport

UNSENT = {10, 11, 40}


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    third = len(packets) // 3
    assert max(UNSENT) < third, "the clip is too short"
    async with case.serve() as server, case.connect(server, WebTransport) as first:
        await first.open_session()
        session = await begin(first, "stream-per-frame")
        sent = [packet for index, packet in enumerate(packets[:third]) if index not in UNSENT]
        await send_prompt(first, sent, "stream-per-frame")
        await first.ping()
        # These two reach the server, and their answers nobody.
        unheard = [choose_mode("stream"), choose_mode("stream-per-frame")]
        for event in unheard:
            first.send_event(event)
        vanish(first)
        await send_prompt(first, packets[third : 2 * third], "stream-per-frame")
        lost = choose_mode("stream")
        first.send_event(lost)

        async with case.connect(server, WebTransport) as second:
            status = await second.resume_session(token_of(session), first.heard_events[-1]["event_id"])
            assert status == 200, f"answered with {status}"
            resumed = await hear_resumed(second, session["id"], token_of(session), ["webtransport"] * 2)
            sessions = [event["session"] for event in second.heard_events if "session" in event]
            modes = [about["parallax"]["reliability"]["mode"] for about in sessions]
            assert modes == ["stream", "stream-per-frame", "stream-per-frame"], f"what was missed came as {modes}"
            assert resumed["client_events"] == 1 + len(unheard), resumed["client_events"]
            assert resumed["last_client_event_id"] == unheard[-1]["event_id"], resumed["last_client_event_id"]
            missing = lacking(resumed, packets[: 2 * third])
            wanted = [packet for packet in packets[: 2 * third] if packet not in sent]
            assert missing == wanted, f"the server lacks {[packet.sequence for packet in missing]}"
            await send_prompt(second, missing, "stream-per-frame")
            second.send_event(lost)
            await second.expect("session.updated")
            await send_prompt(second, packets[2 * third :], "stream")
            receipt = await commit_prompt(second, packets)
            check_intact(receipt, packets, "webtransport", "stream")
            assert receipt["transports"] == ["webtransport"] * 2, receipt["transports"]
            check_events(
                [first, second],
                ["session.created", "conversation.created", "session.updated"]
                + ["session.updated"] * len(unheard)
                + ["session.resumed", "session.updated", "input_audio_buffer.committed"]
                + ["conversation.item.added", "conversation.item.done", RECEIPT],
            )
            await hear_echo(second, packets)


if __name__ == "__main__":
    harness.run(case)
