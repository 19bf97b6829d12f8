"""WebRTC by Chrome's libwebrtc as a client, which `wrtc` brings to Python."""

from __future__ import annotations

import asyncio
import json
from array import array
from typing import Any

import webrtc

import sound
from attachment import Attachment
from calls import Reply, Signalling
from lossy_relay import Relay
from realtime import Event, encode_event

webrtc.allow_loopback()

CHUNK_SAMPLES = sound.SAMPLE_RATE // 100


class Call(Attachment):
    def __init__(self) -> None:
        super().__init__()
        self.connection = webrtc.RTCPeerConnection()
        self.microphone = webrtc.MediaStreamTrackGenerator("audio")
        self.connection.add_track(self.microphone)
        self.heard = array("h")
        self.reply: Reply
        self._listening: asyncio.Task[None] | None = None
        self._channel = self.connection.create_data_channel("oai-events")
        self._opened = asyncio.Event()
        self._channel.on("open", lambda event: self._opened.set())
        self._channel.on("message", self._message_arrived)
        self._channel.on("close", lambda event: self.ended("the channel of events is closed"))
        self.connection.on("track", self._track_arrived)
        self.connection.on(
            "connectionstatechange", lambda event: print("--", self.connection.connection_state, flush=True)
        )

    async def make(self, signalling: Signalling, session: Event | None = None, through: Relay | None = None) -> None:
        """Posts the offer and waits until events can flow; media goes through the relay, if one is given."""
        gathered = asyncio.Event()
        self.connection.on("icecandidate", lambda event: gathered.set() if event.candidate is None else None)
        await self.connection.set_local_description(await self.connection.create_offer())
        await asyncio.wait_for(gathered.wait(), 10)
        offer = self.connection.local_description
        assert offer is not None
        self.reply = (await signalling.post_offer(offer.sdp, session)).expect(201)
        answer = through.lead_through(self.reply.text) if through else self.reply.text
        await self.connection.set_remote_description(webrtc.RTCSessionDescription("answer", answer))
        await asyncio.wait_for(self._opened.wait(), 10)

    def _message_arrived(self, event: webrtc.MessageEvent) -> None:
        assert isinstance(event.data, str)
        self.event_arrived(json.loads(event.data))

    def send_event(self, event: Event) -> None:
        print("->", event, flush=True)
        self._channel.send(encode_event(event).decode())

    async def speak(self, samples: array[int]) -> None:
        """Plays samples into the microphone at the speed of speech, and falls silent: nothing is sent any more."""
        writer = self.microphone.writable.get_writer()
        loop = asyncio.get_running_loop()
        began = loop.time()
        for start in range(0, len(samples) // CHUNK_SAMPLES * CHUNK_SAMPLES, CHUNK_SAMPLES):
            await asyncio.sleep(began + start / sound.SAMPLE_RATE - loop.time())
            chunk = webrtc.AudioData(
                webrtc.AudioDataInit(
                    format="s16",
                    sample_rate=sound.SAMPLE_RATE,
                    number_of_frames=CHUNK_SAMPLES,
                    number_of_channels=1,
                    timestamp=start * 1_000_000 // sound.SAMPLE_RATE,
                    data=samples[start : start + CHUNK_SAMPLES].tobytes(),
                )
            )
            await writer.write(chunk)
        writer.release_lock()

    def _track_arrived(self, event: Any) -> None:
        self._listening = asyncio.create_task(self._listen(event.track))

    async def _listen(self, track: Any) -> None:
        processor = webrtc.MediaStreamTrackProcessor(webrtc.MediaStreamTrackProcessorInit(track, max_buffer_size=100))
        async for chunk in processor.readable:
            assert isinstance(chunk, webrtc.AudioData)
            assert chunk.format == "s16" and chunk.sample_rate == sound.SAMPLE_RATE, chunk
            interleaved = webrtc.AudioDataCopyToOptions(plane_index=0)
            data = bytearray(chunk.allocation_size(interleaved))
            chunk.copy_to(data, interleaved)
            self.heard.extend(array("h", bytes(data))[:: chunk.number_of_channels])
            chunk.close()

    async def stats(self, kind: str) -> Any:
        """The one report of this type about audio."""
        report = await self.connection.get_stats()
        [found] = [
            entry for entry in report.values() if entry.type == kind and getattr(entry, "kind", "audio") == "audio"
        ]
        print(f"{kind}: {found}", flush=True)
        return found

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        self.connection.close()
