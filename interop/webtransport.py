"""WebTransport over HTTP/3 by aioquic, either end: events on the first bidirectional stream that the
client opens, frames in datagrams or on unidirectional streams with RTP over QUIC inside."""

from __future__ import annotations

import urllib.parse
from typing import Any

from aioquic.h3.connection import FrameType, H3Connection
from aioquic.h3.events import (
    DatagramReceived,
    DataReceived,
    H3Event,
    HeadersReceived,
    WebTransportStreamDataReceived,
)
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ProtocolNegotiated, QuicEvent, StreamReset

from attachment import QUICAttachment
from realtime import (
    CLOSE_SESSION,
    DRAIN_SESSION,
    CapsuleReader,
    Event,
    FlowReader,
    LineReader,
    RTPPacket,
    close_capsule,
    decode_varint,
    encode_event,
    encode_varint,
    roq_datagram,
    roq_stream_packet,
)

ALPN = ["h3"]
PATH = "/v1/realtime?model=echo"


class WebTransport(QUICAttachment):
    def __init__(self, quic: QuicConnection, *arguments: Any, **options: Any) -> None:
        super().__init__(quic, *arguments, **options)
        self.http: H3Connection | None = None
        self.session_id: int | None = None
        self.headers: dict[str, str] | None = None
        self.draining = False
        # The peer's close: code and reason.
        self.session_closed: tuple[int, str] | None = None
        self.stream_resets: dict[int, int] = {}
        self._event_stream: int | None = None
        self._media_stream: int | None = None
        self._lines = LineReader()
        self._capsules = CapsuleReader()
        self._flows: dict[int, FlowReader] = {}

    # Client

    def _start_http(self) -> H3Connection:
        # On the client, ProtocolNegotiated comes after the application may write.
        if self.http is None:
            self.http = H3Connection(self.quic, enable_webtransport=True)
        return self.http

    def send_connect(self, path: str = PATH, **changes: str) -> None:
        """Asks for a session; `changes` replace header fields, an empty one leaves its field out."""
        http = self._start_http()
        self.session_id = self.quic.get_next_available_stream_id()
        request = {
            ":method": "CONNECT",
            ":scheme": "https",
            ":authority": "127.0.0.1",
            ":path": path,
            ":protocol": "webtransport",
            **changes,
        }
        self.headers = None
        http.send_headers(
            self.session_id, [(name.encode(), value.encode()) for name, value in request.items() if value]
        )
        self.transmit()

    async def status(self) -> int:
        """The status of the answer to the last request."""
        await self.until(lambda: self.headers, "the answer to CONNECT")
        assert self.headers is not None
        print("<-", self.headers, flush=True)
        return int(self.headers[":status"])

    async def connect_session(self, path: str = PATH, **changes: str) -> int:
        self.send_connect(path, **changes)
        return await self.status()

    async def open_session(self, path: str = PATH) -> None:
        status = await self.connect_session(path)
        assert 200 <= status < 300, f"CONNECT was answered with {status}"

    async def resume_session(self, token: str, last_event_id: str | None = None) -> int:
        """Asks for the session of a token; gives the status, and when that is 200, the server may send events."""
        query = {"resume": token} | ({} if last_event_id is None else {"last_event_id": last_event_id})
        status = await self.connect_session(f"/v1/realtime?{urllib.parse.urlencode(query)}")
        if status == 200:
            self.send_bytes_of_event(b"")
        return status

    def close_session(self, code: int, reason: str) -> None:
        assert self.http is not None and self.session_id is not None
        self.http.send_data(self.session_id, close_capsule(code, reason), end_stream=True)
        self.transmit()

    @property
    def session_over(self) -> bool:
        """Whether the peer has ended the session, by whatever means it has."""
        was_reset = self.session_id in self.stream_resets
        return was_reset or self.session_closed is not None or self.termination is not None

    # Server

    def request_arrived(self, headers: dict[str, str]) -> int:
        """The status to answer a CONNECT with; a server's subclass decides."""
        return 200

    def _accept(self, event: HeadersReceived) -> None:
        assert self.http is not None
        status = self.request_arrived(self.headers or {})
        self.http.send_headers(
            event.stream_id,
            [(b":status", str(status).encode()), (b"sec-webtransport-http3-draft", b"draft02")],
            end_stream=status >= 300,
        )

    # Both

    def send_event(self, event: Event) -> None:
        print("->", event, flush=True)
        self.send_bytes_of_event(encode_event(event) + b"\n")

    def send_bytes_of_event(self, data: bytes) -> None:
        assert self.session_id is not None
        http = self._start_http()
        if self._event_stream is None:
            self._event_stream = http.create_webtransport_stream(self.session_id)
            # aioquic would read the answers on a stream opened here as HTTP/3 frames: tell it what they are.
            with http._get_or_create_stream(self._event_stream) as stream:
                stream.frame_type = FrameType.WEBTRANSPORT_STREAM
                stream.session_id = self.session_id
        self.quic.send_stream_data(self._event_stream, data)
        self.transmit()

    def send_packet(self, packet: bytes, mode: str, flow: int = 0) -> None:
        assert self.session_id is not None
        http = self._start_http()
        if mode == "datagram":
            http.send_datagram(self.session_id, roq_datagram(flow, packet))
        elif mode == "stream-per-frame":
            stream = http.create_webtransport_stream(self.session_id, is_unidirectional=True)
            self.quic.send_stream_data(stream, encode_varint(flow) + roq_stream_packet(packet), end_stream=True)
        else:
            if self._media_stream is None:
                self._media_stream = http.create_webtransport_stream(self.session_id, is_unidirectional=True)
                self.quic.send_stream_data(self._media_stream, encode_varint(flow))
            self.quic.send_stream_data(self._media_stream, roq_stream_packet(packet))
        self.transmit()

    def transport_event(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self._start_http()
        if isinstance(event, StreamReset):
            self.stream_resets[event.stream_id] = event.error_code
        if self.http is not None:
            for http_event in self.http.handle_event(event):
                self._http_event(http_event)

    def _http_event(self, event: H3Event) -> None:
        if isinstance(event, HeadersReceived):
            self.headers = {name.decode(): value.decode() for name, value in event.headers}
            if not self.quic.configuration.is_client:
                self.session_id = event.stream_id
                self._accept(event)
        elif isinstance(event, DataReceived) and event.stream_id == self.session_id:
            for kind, body in self._capsules.feed(event.data):
                self._capsule(kind, body)
            if event.stream_ended and self.session_closed is None:
                self.session_closed = (0, "")
        elif isinstance(event, DatagramReceived):
            flow, offset = decode_varint(event.data)
            assert flow == 0, f"a datagram of flow {flow}"
            self.packet_arrived(RTPPacket.decode(event.data[offset:]))
        elif isinstance(event, WebTransportStreamDataReceived):
            self._stream_data(event)

    def _stream_data(self, event: WebTransportStreamDataReceived) -> None:
        if event.stream_id & 2 == 0:
            if self._event_stream is None:
                self._event_stream = event.stream_id
                self.session_opened()
            for message in self._lines.feed(event.data):
                self.event_arrived(message)
            return
        reader = self._flows.setdefault(event.stream_id, FlowReader())
        for packet in reader.feed(event.data):
            assert reader.flow == 0, f"a stream of flow {reader.flow}"
            self.packet_arrived(RTPPacket.decode(packet))
        if event.stream_ended:
            del self._flows[event.stream_id]

    def _capsule(self, kind: int, body: bytes) -> None:
        print(f"<- capsule {kind:#x} {body!r}", flush=True)
        if kind == CLOSE_SESSION:
            self.session_closed = (int.from_bytes(body[:4], "big"), body[4:].decode())
        elif kind == DRAIN_SESSION:
            self.draining = True
