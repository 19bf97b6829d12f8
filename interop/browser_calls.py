"""A browser's own WebRTC against `parallax serve`: what the page did, and what must come of it."""

from __future__ import annotations

import asyncio
import base64
import socket
from dataclasses import dataclass
from typing import Any

import browsers
import sound
from browsers import Browser, Result, Task, check_echo, serve_page
from calls import CALLS, signalling
from conversation import check_intact
from harness import HOST, Case, Server, Unsupported
from lossy_relay import Relay
from realtime import RTPPacket, packetize

SPEECH_SECONDS = 3
HANG_UP = "hang up"
HANG_UP_REASON = "the client hung up"


@dataclass(frozen=True)
class Peer:
    """A browser that has a microphone."""

    name: str
    # Whether the browser itself can play the clip into the microphone.
    plays_files: bool
    # Whether it sends checks on the loopback.
    takes_loopback: bool

    def host(self) -> str:
        """Where the server must be for it: packets between addresses of one machine stay on it all the same."""
        return HOST if self.takes_loopback else own_address()

    def browser(self, case: Case) -> Browser:
        if self.name == "chromium":
            flags = [
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={case.clip}",
                "--allow-loopback-in-peer-connection",
            ]
            return lambda url, task, logs: browsers.chromium(url, task, logs, *flags)
        preferences: dict[str, Any] = {
            "media.autoplay.default": 0,
            "media.autoplay.blocking_policy": 0,
            "media.peerconnection.ice.obfuscate_host_addresses": False,
        }
        return lambda url, task, logs: browsers.firefox(url, task, logs, **preferences)


CHROMIUM = Peer("chromium", plays_files=True, takes_loopback=True)
FIREFOX = Peer("firefox", plays_files=False, takes_loopback=False)


def own_address() -> str:
    """The address from which this machine would reach others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError as reason:
            raise Unsupported(f"no address but the loopback, which this browser does not take: {reason}") from None
        address: str = probe.getsockname()[0]
        return address


async def hold_call(
    case: Case, peer: Peer, mode: str, end: str = "close", between: Relay | None = None, **task: Any
) -> Result:
    """Lets the page make one call and take one turn, and sees the session end on the server."""
    page = serve_page()
    try:
        async with case.serve("--host", peer.host()) as server:
            request = await make_task(server, mode, end) | task
            if between is not None:
                await between.start(server)
                request["relay_port"] = between.port
            if not peer.plays_files:
                request["clip"] = base64.b64encode(case.clip.read_bytes()).decode()
            url = f"http://{HOST}:{page.server_port}/call.html"
            result = await asyncio.to_thread(peer.browser(case), url, request, case.logs)
            if end == HANG_UP:
                assert result["hang_up_status"] == 200, result["hang_up_status"]
                await server.saw_close(0, HANG_UP_REASON, by="local")
            else:
                # Firefox closes its channels first, Chromium all at once.
                await server.saw_close(0, None)
    finally:
        page.shutdown()
        if between is not None:
            between.stop()
    for name in ("ready_ms", "mode", "location", "receipt", "stats", "heard_stats", "events"):
        print("<-", name, result.get(name))
    assert result["mode"] == mode, result["mode"]
    assert result["receipt"]["mode"] == mode and result["receipt"]["transport"] == "webrtc", result["receipt"]
    assert result["response"]["status"] == "completed", result["response"]["status"]
    return result


async def make_task(server: Server, mode: str, end: str) -> Task:
    assert server.http_url is not None, "no plain HTTP for pages on this machine"
    async with signalling(server) as http:
        minted = (await http.request("POST", "/v1/realtime/client_secrets", json={})).expect(200).json()
    return {
        "url": f"{server.http_url}{CALLS}",
        "secret": minted["value"],
        "mode": mode,
        "seconds": SPEECH_SECONDS,
        "end": end,
    }


async def speak(case: Case, peer: Peer, mode: str, **options: Any) -> Result:
    """A turn by microphone: all that the browser counted as sent was received, and the echo is as loud as the speech."""
    result = await hold_call(case, peer, mode, **options)
    receipt, stats, heard_stats = result["receipt"], result["stats"], result["heard_stats"]
    assert receipt["verdict"] == "unverified", receipt["verdict"]
    assert receipt["missing"] == [], receipt["missing"]
    assert receipt["received_frames"] == stats["packetsSent"] > 100, (receipt["received_frames"], stats["packetsSent"])
    assert stats["sendCodec"] == "audio/opus", stats["sendCodec"]
    assert heard_stats["packetsReceived"] == receipt["received_frames"], heard_stats
    assert heard_stats["packetsLost"] == 0, heard_stats
    heard, spoken = (sound.decode_recording(base64.b64decode(result[name])) for name in ("heard", "spoken"))
    sound.check_heard(heard, spoken, "the echo")
    return result


async def send_packets(case: Case, peer: Peer, mode: str) -> None:
    """A turn by RTP packets on the channel parallax-media, with a manifest."""
    packets = packetize(case.opus_packets())
    encoded = [base64.b64encode(packet.encode()).decode() for packet in packets]
    result = await hold_call(case, peer, mode, packets=encoded)
    check_intact(result["receipt"], packets, "webrtc", mode)
    check_echo([RTPPacket.decode(base64.b64decode(packet)) for packet in result["echo"]], packets)
