"""Recorded speech as Opus packets, made by opusenc: neither the encoder nor the Ogg reader is ours."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

DEFAULT_CLIP = Path("/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0880.wav")


def opus_packets(clip: Path = DEFAULT_CLIP) -> list[bytes]:
    """The whole of `clip`, 20 ms a packet."""
    command = ["opusenc", "--quiet", "--bitrate", "24", "--framesize", "20", str(clip), "-"]
    ogg = subprocess.run(command, check=True, capture_output=True).stdout
    return ogg_packets(ogg)[2:]  # the two headers go first (RFC 7845 section 3)


def ogg_packets(data: bytes) -> list[bytes]:
    """The packets of a single logical stream (RFC 3533 section 6)."""
    packets: list[bytes] = []
    partial = b""
    offset = 0
    while offset < len(data):
        if data[offset : offset + 4] != b"OggS":
            raise ValueError(f"no Ogg page at byte {offset}")
        (segment_count,) = struct.unpack_from("B", data, offset + 26)
        lacing = data[offset + 27 : offset + 27 + segment_count]
        offset += 27 + segment_count
        for length in lacing:
            partial += data[offset : offset + length]
            offset += length
            if length < 255:
                packets.append(partial)
                partial = b""
    return packets
