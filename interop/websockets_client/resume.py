"""Audio in base64, without numbers: a connection dies in mid-prompt, another in mid-answer, and neither loses a packet."""

import base64

import harness
from conversation import begin, check_intact, commit_prompt, send_prompt
from harness import Case
from realtime import Event, client_event, packetize
from resumption import hear_resumed, lacking, token_of
from wsocket import PATH, REALTIME, dial

OPUS = {"format": {"type": "audio/opus"}}


class Answer:
    """Audio of an answer, by the numbers that its deltas carry."""

    def __init__(self) -> None:
        self.packets: dict[int, bytes] = {}
        self.parts: set[tuple[str, str]] = set()

    def hear(self, delta: Event) -> None:
        sequence = delta["parallax"]["sequence"]
        assert sequence not in self.packets, f"frame {sequence} came twice"
        self.packets[sequence] = base64.b64decode(delta["delta"])
        self.parts.add((delta["response_id"], delta["item_id"]))


def path(token: str, last: Event, **more: int) -> str:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return f"{PATH}&resume={token}&last_event_id={last['event_id']}{query}"


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets(), first_sequence=0)
    third = len(packets) // 3
    async with case.serve() as server:
        async with dial(server, REALTIME) as first:
            session = await begin(first, "stream")
            audio = {"type": "realtime", "audio": {"input": OPUS, "output": OPUS}}
            first.send_event(client_event("session.update", session=audio))
            updated = await first.expect("session.updated")
            await send_prompt(first, packets[:third], "stream")
            first.connection.transport.abort()

        token = token_of(session)
        async with dial(server, REALTIME, path=path(token, updated)) as second:
            resumed = await hear_resumed(second, session["id"], token, ["websocket"] * 2)
            missing = lacking(resumed, packets[:third])
            assert len(missing) < third, "the server has nothing of the first connection"
            await send_prompt(second, missing + packets[third:], "stream")
            check_intact(await commit_prompt(second, packets), packets, "websocket", "stream")
            second.send_event(client_event("response.create"))
            part = await second.expect("response.content_part.added")
            answer = Answer()
            while len(answer.packets) < 5:
                answer.hear(await second.expect("response.output_audio.delta"))
            last = next(event for event in reversed(second.heard_events) if "delta" not in event)
            second.connection.transport.abort()

        token = token_of(resumed["session"])
        async with dial(server, REALTIME, path=path(token, last, answer_sequence=max(answer.packets) + 1)) as last_one:
            await hear_resumed(last_one, session["id"], token, ["websocket"] * 3)
            while len(answer.packets) < len(packets):
                event = await last_one.receive_event()
                if event["type"] == "response.output_audio.delta":
                    answer.hear(event)
            assert list(answer.packets) == list(range(len(packets))), "the numbers are not in order"
            assert list(answer.packets.values()) == [packet.payload for packet in packets], "the echo differs"
            assert answer.parts == {(part["response_id"], part["item_id"])}, answer.parts


if __name__ == "__main__":
    harness.run(case)
