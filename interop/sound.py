"""What is heard, as levels: an echo that went through codecs is no longer the same bytes, but it is as loud at the same time."""

from __future__ import annotations

import io
import math
import wave
from array import array
from pathlib import Path
from typing import Iterable

import av

SAMPLE_RATE = 48_000
WINDOW_SAMPLES = SAMPLE_RATE // 10
SILENCE_DB = -80.0
QUIET_DB = -55.0


def read_clip(path: Path) -> array[int]:
    """A WAV file of one channel whose rate divides 48 kHz; samples are repeated, which levels do not mind."""
    with wave.open(str(path)) as clip:
        assert clip.getnchannels() == 1 and clip.getsampwidth() == 2, clip.getparams()
        repeat, remainder = divmod(SAMPLE_RATE, clip.getframerate())
        assert remainder == 0, clip.getframerate()
        samples = array("h", clip.readframes(clip.getnframes()))
    return array("h", (sample for sample in samples for _ in range(repeat)))


def decode(packets: Iterable[bytes]) -> array[int]:
    """Opus packets, decoded by FFmpeg's libopus."""
    codec = av.CodecContext.create("libopus", "r")
    codec.sample_rate = SAMPLE_RATE
    codec.layout = "mono"
    codec.format = "s16"
    samples = array("h")
    for payload in packets:
        for frame in codec.decode(av.Packet(payload)):
            samples.frombytes(bytes(frame.planes[0])[: frame.samples * 2])
    return samples


def decode_recording(data: bytes) -> array[int]:
    """What a browser's MediaRecorder made, WebM or Ogg."""
    samples = array("h")
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(io.BytesIO(data), mode="r") as recording:
        for frame in recording.decode(audio=0):
            for part in resampler.resample(frame):
                samples.frombytes(bytes(part.planes[0])[: part.samples * 2])
    return samples


def level_db(samples: array[int]) -> float:
    """The root of the mean square, in dB below full scale."""
    power = sum(sample * sample for sample in samples) / max(1, len(samples)) / 32_768**2
    return max(SILENCE_DB, 10 * math.log10(power)) if power else SILENCE_DB


def mean_level_db(levels: Iterable[float]) -> float:
    """The level of windows of equal length together."""
    powers = [10 ** (level / 10) for level in levels]
    return 10 * math.log10(sum(powers) / len(powers)) if powers else SILENCE_DB


def envelope(samples: array[int]) -> list[float]:
    """The level of each tenth of a second."""
    return [level_db(samples[start : start + WINDOW_SAMPLES]) for start in range(0, len(samples), WINDOW_SAMPLES)]


def check_heard(heard: array[int], spoken: array[int], what: str) -> None:
    """The levels of `check_levels`, where the samples are at hand."""
    shifts = range(0, WINDOW_SAMPLES, WINDOW_SAMPLES // 10)
    levels = envelope(spoken)
    best = max((envelope(heard[shift:]) for shift in shifts), key=lambda found: best_match(found, levels)[0])
    check_levels(best, levels, what)


def check_levels(heard: list[float], spoken: list[float], what: str) -> None:
    """As loud as what was spoken, within 3 dB, and loud and quiet at the same times, give or take a delay."""
    likeness, lag = best_match(heard, spoken)
    difference = mean_level_db(heard[lag : lag + len(spoken)]) - mean_level_db(spoken)
    print(
        f"{what}: {difference:+.1f} dB against what was spoken, likeness {likeness:.3f} after {lag / 10} s", flush=True
    )
    assert abs(difference) < 3, f"{what} is {difference:+.1f} dB louder than what was spoken"
    assert likeness > 0.85, f"{what} is not what was spoken: likeness {likeness:.2f}"


def best_match(heard: list[float], spoken: list[float]) -> tuple[float, int]:
    """How alike the levels are, and after how many windows."""
    lags = range(max(1, len(heard) - len(spoken) // 2))
    return max(((correlation(heard[lag:], spoken), lag) for lag in lags), key=lambda match: match[0])


def correlation(one: list[float], other: list[float]) -> float:
    count = min(len(one), len(other))
    if count < 10:
        return 0.0
    # Below this both are silent, whatever noise they are silent with.
    one, other = ([max(level, QUIET_DB) for level in levels[:count]] for levels in (one, other))
    mean_one, mean_other = sum(one) / count, sum(other) / count
    covariance = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other))
    spread = sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other)
    return covariance / math.sqrt(spread) if spread else 0.0
