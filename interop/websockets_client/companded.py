"""G.711, 8 kHz in both laws: what was spoken comes back as loud, at the same times."""

import base64
from array import array

import harness
import sound
from conversation import begin
from harness import Case
from realtime import client_event
from wsocket import REALTIME, WebSocketAttachment, dial


def law(name: str, samples: array, encode: bool) -> bytes | array:
    """By FFmpeg, whose codecs are not ours."""
    import av

    codec = av.CodecContext.create({"audio/pcmu": "pcm_mulaw", "audio/pcma": "pcm_alaw"}[name], "w" if encode else "r")
    codec.sample_rate = 8_000
    codec.layout = "mono"
    codec.format = "s16"
    if encode:
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples))
        frame.planes[0].update(samples.tobytes())
        frame.sample_rate = 8_000
        return b"".join(bytes(packet) for packet in codec.encode(frame))
    decoded = array("h")
    for frame in codec.decode(av.Packet(bytes(samples))):
        decoded.frombytes(bytes(frame.planes[0])[: frame.samples * 2])
    return decoded


async def turn(client: WebSocketAttachment, name: str, clip: array) -> None:
    audio = {"format": {"type": name}}
    session = {"type": "realtime", "audio": {"input": audio, "output": audio}}
    client.send_event(client_event("session.update", session=session))
    await client.expect("session.updated")
    narrow = clip[::6]
    encoded = law(name, narrow, True)
    for start in range(0, len(encoded), 800):
        text = base64.b64encode(encoded[start : start + 800]).decode()
        client.send_event({"type": "input_audio_buffer.append", "audio": text})
    client.send_event(client_event("input_audio_buffer.commit"))
    client.send_event(client_event("response.create"))
    heard = b""
    while (event := await client.receive_event())["type"] != "response.done":
        assert event["type"] != "error", event
        if event["type"] == "response.output_audio.delta":
            heard += base64.b64decode(event["delta"])
    decoded = law(name, heard, False)
    sound.check_heard(array("h", (sample for sample in decoded for _ in range(6))), clip, f"the echo in {name}")


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    async with case.serve() as server, dial(server, REALTIME) as client:
        await begin(client, "stream")
        for name in ("audio/pcmu", "audio/pcma"):
            await turn(client, name, clip)


if __name__ == "__main__":
    harness.run(case)
