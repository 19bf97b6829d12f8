"""RTP over QUIC by aioquic as a bare QUIC stack, either end: the framing is realtime.py's own."""

from __future__ import annotations

import json
from typing import Any

from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import DatagramFrameReceived, QuicEvent, StreamDataReceived, StreamReset

from attachment import QUICAttachment
from realtime import (
    EVENT_FLOW,
    EVENT_PAYLOAD_TYPE,
    MEDIA_FLOW,
    Event,
    FlowReader,
    RTPPacket,
    client_event,
    decode_varint,
    encode_event,
    encode_varint,
    roq_datagram,
    roq_stream_packet,
)

ALPN = ["roq-14"]


class RoQ(QUICAttachment):
    def __init__(self, quic: QuicConnection, *arguments: Any, **options: Any) -> None:
        super().__init__(quic, *arguments, **options)
        self.stream_resets: dict[int, int] = {}
        self._streams: dict[int, int] = {}  # by flow: the one stream that stays open
        self._readers: dict[int, FlowReader] = {}
        self._event_sequence = 0
        self._is_open = False

    async def open_session(self) -> None:
        """Nothing to ask for: the session is there with the connection, and the first event names it."""

    def resume_session(self, token: str, last_event_id: str | None = None) -> None:
        """Asks for the session of a token; it must be the first that is sent."""
        resume = {"token": token} | ({} if last_event_id is None else {"last_event_id": last_event_id})
        self.send_event(client_event("session.update", parallax={"resume": resume}))

    def send_event(self, event: Event) -> None:
        print("->", event, flush=True)
        packet = RTPPacket(
            sequence=self._event_sequence & 0xFFFF,
            timestamp=0,
            payload=encode_event(event),
            payload_type=EVENT_PAYLOAD_TYPE,
        )
        self._event_sequence += 1
        self.send_packet(packet.encode(), "stream", EVENT_FLOW)

    def send_packet(self, packet: bytes, mode: str, flow: int = MEDIA_FLOW) -> None:
        if mode == "datagram":
            self.quic.send_datagram_frame(roq_datagram(flow, packet))
        elif mode == "stream-per-frame":
            stream = self.quic.get_next_available_stream_id(is_unidirectional=True)
            self.quic.send_stream_data(stream, encode_varint(flow) + roq_stream_packet(packet), end_stream=True)
        else:
            if flow not in self._streams:
                self._streams[flow] = self.quic.get_next_available_stream_id(is_unidirectional=True)
                self.quic.send_stream_data(self._streams[flow], encode_varint(flow))
            self.quic.send_stream_data(self._streams[flow], roq_stream_packet(packet))
        self.transmit()

    def transport_event(self, event: QuicEvent) -> None:
        if isinstance(event, DatagramFrameReceived):
            flow, offset = decode_varint(event.data)
            self._packet(flow, event.data[offset:])
        elif isinstance(event, StreamDataReceived):
            assert event.stream_id & 2, f"stream {event.stream_id} is bidirectional"
            reader = self._readers.setdefault(event.stream_id, FlowReader())
            for packet in reader.feed(event.data):
                assert reader.flow is not None
                self._packet(reader.flow, packet)
            if event.end_stream:
                del self._readers[event.stream_id]
        elif isinstance(event, StreamReset):
            self.stream_resets[event.stream_id] = event.error_code

    def _packet(self, flow: int, data: bytes) -> None:
        packet = RTPPacket.decode(data)
        if flow == EVENT_FLOW:
            if not self._is_open:
                self._is_open = True
                self.session_opened()
            self.event_arrived(json.loads(packet.payload))
        else:
            assert flow == MEDIA_FLOW, f"a packet of flow {flow}"
            self.packet_arrived(packet)
