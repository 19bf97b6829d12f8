"""A malformed event is answered with an error that names it, and the session goes on."""

import harness
from conversation import begin
from harness import Case
from realtime import client_event
from webtransport import WebTransport


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.open_session()
        await begin(client, "datagram")
        wrong = [
            client_event("no.such.event"),
            client_event("session.update", session={"type": "realtime", "parallax": {"reliability": {"mode": "luck"}}}),
            client_event("input_audio_buffer.commit", parallax={"frames": "many"}),
        ]
        for event in wrong:
            client.send_event(event)
            answer = await client.receive_event()
            assert answer["type"] == "error", answer
            error = answer["error"]
            assert error["event_id"] == event["event_id"], error
            assert error["type"] and error["message"], error
            assert "code" in error and "param" in error, error
        client.send_bytes_of_event(b"{this is no JSON\n")
        assert (await client.receive_event())["type"] == "error"
        client.send_event(client_event("input_audio_buffer.clear"))
        await client.expect("input_audio_buffer.cleared")


if __name__ == "__main__":
    harness.run(case)
