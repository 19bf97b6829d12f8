"""openai-python is refused with a wrong key, hears errors as its own type, and cancels an answer."""

import base64

import harness
from harness import Case
from openai import AsyncOpenAI
from wsocket import client_tls

SECRET = "sk_of_the_interop_cases"


async def case(case: Case) -> None:
    options = {"ssl": client_tls()}
    async with case.serve("--secret", SECRET) as server:
        url = f"wss://{server.host}:{server.port}/v1"
        try:
            async with AsyncOpenAI(api_key="sk-wrong", websocket_base_url=url).realtime.connect(
                model="gpt-realtime", websocket_connection_options=options
            ):
                raise AssertionError("taken in with a wrong key")
        except AssertionError:
            raise
        except Exception as refusal:
            assert "401" in str(refusal), refusal
        client = AsyncOpenAI(api_key=SECRET, websocket_base_url=url)
        async with client.realtime.connect(model="gpt-realtime", websocket_connection_options=options) as connection:

            async def expect(kind: str):  # type: ignore[no-untyped-def]
                async for event in connection:
                    if event.type == kind:
                        return event

            await connection.input_audio_buffer.commit(event_id="empty")
            error = await expect("error")
            assert error.error.code == "input_audio_buffer_commit_empty", error
            assert error.error.event_id == "empty", error
            await connection.input_audio_buffer.append(audio="no base64 at all", event_id="broken")
            assert (await expect("error")).error.event_id == "broken"
            silence = base64.b64encode(bytes(48_000)).decode()
            await connection.input_audio_buffer.append(audio=silence)
            await connection.input_audio_buffer.clear()
            await expect("input_audio_buffer.cleared")
            await connection.input_audio_buffer.append(audio=silence)
            await connection.input_audio_buffer.commit()
            receipt = await expect("conversation.item.input_audio_integrity.completed")
            assert receipt.received_frames == 50, receipt
            assert receipt.verdict == "unverified", receipt


if __name__ == "__main__":
    harness.run(case)
