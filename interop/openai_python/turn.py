"""openai-python speaks 24 kHz PCM and hears the echo: its own client, its own types, only the address is ours."""

import base64
from array import array

import harness
import sound
from harness import Case
from openai import AsyncOpenAI
from wsocket import client_tls

RATE = 24_000


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    async with case.serve() as server:
        client = AsyncOpenAI(api_key="sk-anything", websocket_base_url=f"wss://{server.host}:{server.port}/v1")
        options = {"ssl": client_tls()}
        async with client.realtime.connect(model="gpt-realtime", websocket_connection_options=options) as connection:
            created = await connection.recv()
            assert created.type == "session.created", created
            assert created.session.model == "gpt-realtime", created.session
            await connection.session.update(session={"type": "realtime", "instructions": "Echo."})
            pcm = clip[:: sound.SAMPLE_RATE // RATE].tobytes()
            # A tenth of a second at a time, and an end that is no whole frame.
            for start in range(0, len(pcm), 4_800):
                await connection.input_audio_buffer.append(audio=base64.b64encode(pcm[start : start + 4_800]).decode())
            await connection.input_audio_buffer.commit()
            await connection.response.create()
            heard, kinds = b"", []
            async for event in connection:
                if not kinds or kinds[-1] != event.type:
                    kinds.append(event.type)
                if event.type == "response.output_audio.delta":
                    heard += base64.b64decode(event.delta)
                if event.type == "response.done":
                    assert event.response.status == "completed", event
                    break
            print(kinds, flush=True)
            wanted = [
                "session.updated",
                "input_audio_buffer.committed",
                "conversation.item.done",
                "response.created",
                "response.output_item.added",
                "response.content_part.added",
                "response.output_audio.delta",
                "response.output_audio.done",
                "response.content_part.done",
                "response.output_item.done",
                "response.done",
            ]
            assert [kind for kind in kinds if kind in wanted] == wanted or set(wanted) <= set(kinds), kinds
            assert kinds.index("response.output_audio.delta") < kinds.index("response.output_audio.done"), kinds
        samples = array("h")
        samples.frombytes(heard)
        repeated = array("h", (sample for sample in samples for _ in range(sound.SAMPLE_RATE // RATE)))
        sound.check_heard(repeated, clip, "the echo")


if __name__ == "__main__":
    harness.run(case)
