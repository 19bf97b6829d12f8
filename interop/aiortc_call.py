"""WebRTC by aiortc as a client: its ICE, DTLS, SRTP, SCTP and Opus, with a tap on the RTP and RTCP inside."""

from __future__ import annotations

import asyncio
import fractions
import json
from array import array
from dataclasses import replace
from typing import Any, Callable

import aioice.ice
from aiortc import (
    MediaStreamTrack,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPacket,
    RtcpRrPacket,
    RtcpSrPacket,
    is_rtcp,
)
from av import AudioFrame

from attachment import Attachment
from calls import Reply, Signalling, signalling
from conversation import hold_turn
from harness import HOST, Case
from lossy_relay import Relay
from realtime import Event, RTPPacket, encode_event

EVENTS = "oai-events"
MEDIA = "parallax-media"
# How the channel for media is opened where a mode wants one.
CHANNELS: dict[str, dict[str, Any]] = {
    "stream": {"ordered": True},
    "stream-per-frame": {"ordered": False},
    "deadline": {"ordered": False, "maxPacketLifeTime": 200},
}
FRAME_SAMPLES = 960

# aioice leaves the loopback out, and there is nothing else here that a case may use.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [HOST]


class ClipTrack(MediaStreamTrack):
    """Plays samples in frames of 20 ms, and then falls silent without ending."""

    kind = "audio"

    def __init__(self, samples: array[int], speed: float = 1) -> None:
        super().__init__()
        self._samples = samples
        self._speed = speed
        self._position = 0
        self._began: float | None = None
        self.is_over = asyncio.Event()

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        if self._position >= len(self._samples):
            self.is_over.set()
            await asyncio.Future()
        await asyncio.sleep(self._began + self._position / 48_000 / self._speed - loop.time())
        chunk = self._samples[self._position : self._position + FRAME_SAMPLES]
        chunk.extend([0] * (FRAME_SAMPLES - len(chunk)))
        # Of one channel aiortc would make two that are 3 dB quieter.
        both = array("h", (sample for sample in chunk for _ in range(2)))
        frame = AudioFrame(format="s16", layout="stereo", samples=FRAME_SAMPLES)
        frame.planes[0].update(both.tobytes())
        frame.sample_rate = 48_000
        frame.pts = self._position
        frame.time_base = fractions.Fraction(1, 48_000)
        self._position += FRAME_SAMPLES
        return frame


class Tap:
    """What goes through one DTLS transport of aiortc, in the clear."""

    def __init__(self, dtls: Any, packet_arrived: Callable[[bytes], None], changed: Callable[[], None]) -> None:
        self.sent: list[RTPPacket] = []
        self.control: list[AnyRtcpPacket] = []
        send, receive, receive_control = dtls._send_rtp, dtls._handle_rtp_data, dtls._handle_rtcp_data

        async def send_rtp(data: bytes) -> None:
            if not is_rtcp(data):
                self.sent.append(RTPPacket.decode(data))
            await send(data)

        async def handle_rtp_data(data: bytes, arrival_time_ms: int) -> None:
            packet_arrived(data)
            await receive(data, arrival_time_ms=arrival_time_ms)

        async def handle_rtcp_data(data: bytes) -> None:
            for packet in RtcpPacket.parse(data):
                print("<- RTCP", packet, flush=True)
                self.control.append(packet)
            changed()
            await receive_control(data)

        dtls._send_rtp, dtls._handle_rtp_data, dtls._handle_rtcp_data = send_rtp, handle_rtp_data, handle_rtcp_data

    def reports_about(self, ssrc: int) -> list[Any]:
        """The report blocks that the peer has sent about this source of ours."""
        reports = [packet.reports for packet in self.control if isinstance(packet, (RtcpRrPacket, RtcpSrPacket))]
        return [block for blocks in reports for block in blocks if block.ssrc == ssrc]

    @property
    def sender_reports(self) -> list[RtcpSrPacket]:
        return [packet for packet in self.control if isinstance(packet, RtcpSrPacket)]

    @property
    def has_goodbye(self) -> bool:
        return any(isinstance(packet, RtcpByePacket) for packet in self.control)


class PeerConnection(Attachment):
    """One end of a session over aiortc. `send_packet` sends RTP as it is given, by SRTP or on the channel of a mode."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = RTCPeerConnection()
        self.events: RTCDataChannel | None = None
        self.media: dict[str, RTCDataChannel] = {}
        self.tap: Tap
        self.packets_by_channel: list[RTPPacket] = []
        self._sending: set[asyncio.Task[None]] = set()
        self.connection.on("datachannel", self._channel_opened)
        self.connection.on("connectionstatechange", self._state_changed)

    @property
    def _transceiver(self) -> Any:
        [transceiver] = self.connection.getTransceivers()
        return transceiver

    @property
    def ssrc(self) -> int:
        return int(self._transceiver.sender._ssrc)

    @property
    def payload_type(self) -> int:
        return int(self._transceiver._codecs[0].payloadType)

    def tap_media(self) -> None:
        self.tap = Tap(
            self._transceiver.sender.transport,
            lambda data: self.packet_arrived(RTPPacket.decode(data)),
            self._changed.set,
        )

    def _channel_opened(self, channel: RTCDataChannel) -> None:
        print("<- channel", channel.label, "ordered" if channel.ordered else "unordered", flush=True)
        if channel.label == EVENTS:
            self.listen(channel)
            self.session_opened()
        else:
            self.media[mode_of(channel)] = channel
            self.listen_media(channel)

    def listen(self, channel: RTCDataChannel) -> None:
        self.events = channel
        channel.on("message", lambda text: self.event_arrived(json.loads(text)))

    def listen_media(self, channel: RTCDataChannel) -> None:
        def arrived(data: bytes) -> None:
            packet = RTPPacket.decode(data)
            self.packets_by_channel.append(packet)
            self.packet_arrived(packet)

        channel.on("message", arrived)

    def _state_changed(self) -> None:
        state = self.connection.connectionState
        print("-- connection", state, flush=True)
        if state in ("closed", "failed"):
            self.ended(state)

    def send_event(self, event: Event) -> None:
        print("->", event, flush=True)
        assert self.events is not None
        self.events.send(encode_event(event).decode())

    def send_packet(self, packet: bytes, mode: str, flow: int = 0) -> None:
        if mode in CHANNELS:
            self.media[mode].send(packet)
            return
        rtp = replace(RTPPacket.decode(packet), ssrc=self.ssrc, payload_type=self.payload_type)
        self.send_rtp(rtp.encode())

    def send_rtp(self, packet: bytes) -> None:
        """Sends this packet under SRTP, past aiortc's own sender."""
        task = asyncio.create_task(self._transceiver.sender.transport._send_rtp(packet))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def open_media(self, mode: str) -> None:
        """Opens the channel of a mode, where it has one."""
        if mode in CHANNELS:
            channel = self.connection.createDataChannel(MEDIA, **CHANNELS[mode])
            self.media[mode] = channel
            self.listen_media(channel)
            await is_open(channel)

    async def close(self) -> None:
        await self.connection.close()


class Call(PeerConnection):
    """A client's end: `make` posts the offer and waits until events can flow."""

    def __init__(self, track: MediaStreamTrack | None = None) -> None:
        super().__init__()
        self.connection.addTransceiver(track or "audio", direction="sendrecv")
        self.listen(self.connection.createDataChannel(EVENTS))
        self.reply: Reply

    async def offer(self) -> str:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        self.tap_media()
        return self.connection.localDescription.sdp

    async def accept(self, reply: Reply, through: Relay | None = None) -> None:
        self.reply = reply.expect(201)
        assert reply.headers["content-type"] == "application/sdp", reply.headers["content-type"]
        answer = through.lead_through(reply.text) if through else reply.text
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        assert self.events is not None
        await is_open(self.events)

    async def make(
        self, signalling: Signalling, session: Event | None = None, through: Relay | None = None, **options: str
    ) -> None:
        """Media goes through the relay, if one is given."""
        await self.accept(await signalling.post_offer(await self.offer(), session, **options), through)


def mode_of(channel: RTCDataChannel) -> str:
    """The mode that a channel of media is for."""
    if channel.ordered:
        return "stream"
    return "stream-per-frame" if channel.maxPacketLifeTime is None else "deadline"


async def is_open(channel: RTCDataChannel, seconds: float = 10) -> None:
    opened = asyncio.Event()
    channel.on("open", opened.set)
    if channel.readyState != "open":
        await asyncio.wait_for(opened.wait(), seconds)


async def turn_by_channel(case: Case, mode: str) -> None:
    """A turn whose frames travel on the data channel of `mode`, both ways."""
    async with case.serve() as server, signalling(server) as http:
        call = Call()
        await call.make(http)
        await call.open_media(mode)
        await hold_turn(call, case.opus_packets(), "webrtc", mode)
        assert call.packets_by_channel == call.packets, "frames came by SRTP"
        await call.close()
        await server.saw_close(0, "")
