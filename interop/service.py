"""As much of a Realtime server as `parallax talk` needs to meet: one session, echo, and an honest receipt."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from attachment import Attachment
from conversation import RECEIPT
from realtime import Event, RTPPacket, packetize, prompt_sha256


class Service:
    """Serves one session on one attachment, and remembers what the client did."""

    def __init__(self, attachment: Attachment, transport: str) -> None:
        self.attachment = attachment
        self.transport = transport
        self.mode = "datagram"
        self.receipts: list[Event] = []
        self.commits: list[Event] = []
        self.answered: list[RTPPacket] = []
        self._numbers = itertools.count(1)
        self._prompt_start = 0
        self._prompt: list[RTPPacket] = []

    async def run(self) -> None:
        self._send("session.created", session=self._session())
        while True:
            event = await self.attachment.receive_event()
            await self._handle(event)

    async def _handle(self, event: Event) -> None:
        match event["type"]:
            case "session.update":
                parallax = event["session"].get("parallax", {})
                self.mode = parallax.get("reliability", {}).get("mode", self.mode)
                self._send("session.updated", session=self._session())
            case "input_audio_buffer.commit":
                await self._commit(event)
            case "response.create":
                await self._respond()
            case unknown:
                print("-- passed over:", unknown, flush=True)

    async def _commit(self, event: Event) -> None:
        self.commits.append(event)
        manifest = event["parallax"]
        # Frames may still be on their way on other streams than the commit.
        await self.attachment.until(
            lambda: len(self.attachment.packets) - self._prompt_start >= manifest["frames"], "the frames of the prompt"
        )
        arrived = self.attachment.packets[self._prompt_start :]
        self._prompt_start = len(self.attachment.packets)
        first = manifest["first_sequence"]
        self._prompt = sorted(arrived, key=lambda packet: packet.sequence - first & 0xFFFF)
        digest = prompt_sha256(packet.payload for packet in self._prompt)
        item: Event = {
            "id": f"item_{next(self._numbers)}",
            "type": "message",
            "role": "user",
            "status": "completed",
            "content": [{"type": "input_audio"}],
        }
        self._send("input_audio_buffer.committed", previous_item_id=None, item_id=item["id"])
        self._send("conversation.item.added", previous_item_id=None, item=item)
        self._send("conversation.item.done", previous_item_id=None, item=item)
        receipt = self._send(
            RECEIPT,
            item_id=item["id"],
            content_index=0,
            verdict="intact" if digest == manifest["sha256"] else "degraded",
            expected_frames=manifest["frames"],
            received_frames=len(self._prompt),
            live_frames=len(self._prompt),
            recovered={"fec": 0, "red": 0, "nack": 0, "repair": 0},
            late_frames=0,
            duplicate_frames=0,
            missing=[],
            longest_gap_ms=0,
            sha256={"expected": manifest["sha256"], "actual": digest},
            waited_ms=0,
            transport=self.transport,
            mode=self.mode,
        )
        self.receipts.append(receipt)

    async def _respond(self) -> None:
        response_id = f"resp_{next(self._numbers)}"
        item: dict[str, Any] = {"id": f"item_{next(self._numbers)}", "type": "message", "role": "assistant"}
        locator = {"response_id": response_id, "item_id": item["id"], "output_index": 0, "content_index": 0}
        part = {"type": "audio", "transcript": ""}
        self._send("response.created", response=self._response(response_id, "in_progress", []))
        started = {**item, "status": "in_progress", "content": []}
        self._send("response.output_item.added", response_id=response_id, output_index=0, item=started)
        self._send("conversation.item.added", previous_item_id=None, item=started)
        self._send("response.content_part.added", **locator, part=part)
        self._send("output_audio_buffer.started", response_id=response_id)
        for packet in packetize((packet.payload for packet in self._prompt), first_sequence=65_500):
            self.attachment.send_packet(packet.encode(), self.mode)
            self.answered.append(packet)
            await asyncio.sleep(0.002)
        finished = {**item, "status": "completed", "content": [{"type": "output_audio", "transcript": ""}]}
        self._send("response.output_audio.done", **locator)
        self._send("response.content_part.done", **locator, part=part)
        self._send("response.output_item.done", response_id=response_id, output_index=0, item=finished)
        self._send("conversation.item.done", previous_item_id=None, item=finished)
        self._send("response.done", response=self._response(response_id, "completed", [finished]))
        self._send("output_audio_buffer.stopped", response_id=response_id)

    def _send(self, kind: str, **fields: Any) -> Event:
        event: Event = {"type": kind, "event_id": f"event_{next(self._numbers)}", **fields}
        self.attachment.send_event(event)
        return event

    def _session(self) -> Event:
        return {
            "type": "realtime",
            "id": "sess_interop",
            "object": "realtime.session",
            "model": "echo",
            "output_modalities": ["audio"],
            "parallax": {"reliability": {"mode": self.mode}},
        }

    def _response(self, response_id: str, status: str, output: list[Event]) -> Event:
        return {
            "id": response_id,
            "object": "realtime.response",
            "status": status,
            "status_details": None if status == "in_progress" else {"type": status},
            "output": output,
            "output_modalities": ["audio"],
            "usage": None,
            "metadata": None,
        }
