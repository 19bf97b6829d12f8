"""A turn of libwebrtc's: it makes its own packets, so there is no manifest, and the relay counts what was sent."""

from __future__ import annotations

import asyncio
from array import array

import sound
from conversation import RECEIPT
from libwebrtc_call import Call
from lossy_relay import Relay
from realtime import Event, client_event


async def speak(call: Call, clip: array[int], between: Relay) -> None:
    """Speaks the clip, and waits until the last resend of it may have come."""
    await call.speak(clip)
    await asyncio.sleep(0.3)
    print(
        f"{len(between.to_server.first_sent)} packets; lost {between.to_server.lost}; again {between.to_server.repeated}"
    )


async def commit_speech(call: Call, between: Relay) -> Event:
    call.send_event(client_event("input_audio_buffer.commit"))
    receipt = await call.expect(RECEIPT)
    assert receipt["transport"] == "webrtc", receipt["transport"]
    timestamps = [packet.timestamp for packet in between.to_server.first_sent]
    assert {after - before & 0xFFFF_FFFF for before, after in zip(timestamps, timestamps[1:])} == {960}, timestamps
    return receipt


async def hear(call: Call, clip: array[int]) -> None:
    """Asks for the answer, listens until it is over, and holds it against the clip by its levels."""
    start = len(call.heard)
    call.send_event(client_event("response.create"))
    await call.expect("response.done")
    await call.expect("output_audio_buffer.stopped")
    # What NetEQ still holds.
    await asyncio.sleep(0.5)
    heard = call.heard[start:]
    audible = next(
        (index for index in range(0, len(heard), 480) if sound.level_db(heard[index : index + 480]) > -60), 0
    )
    sound.check_heard(heard[audible : audible + len(clip)], clip, "the echo")
