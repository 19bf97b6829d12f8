"""A turn over WebSocket by a headless browser's own `WebSocket`, with a secret that no header field can carry."""

from __future__ import annotations

import asyncio
import base64

from browsers import CLOSE_CODE, CLOSE_REASON, Browser, check_echo, serve_page
from conversation import check_intact
from harness import HOST, Case
from realtime import RTPPacket, packetize

SECRET = "sk_of_the_interop_cases"


async def hold_turn(case: Case, browser: Browser, offered: list[str], chosen: str) -> None:
    """Lets the browser speak the clip to `parallax serve`, and judges what it got."""
    packets = packetize(case.opus_packets(), first_sequence=0)
    page = serve_page()
    try:
        async with case.serve("--secret", SECRET) as server:
            assert server.http_url is not None
            # In clear on the loopback, which needs no certificate that the browser would trust.
            task = {
                "url": server.http_url.replace("http://", "ws://") + "/v1/realtime?model=echo",
                "protocols": [*offered, f"openai-insecure-api-key.{SECRET}"],
                "packets": [base64.b64encode(packet.encode()).decode() for packet in packets],
                "close": {"closeCode": CLOSE_CODE, "reason": CLOSE_REASON},
            }
            url = f"http://{HOST}:{page.server_port}/socket.html"
            result = await asyncio.to_thread(browser, url, task, case.logs)
            await server.saw_close(CLOSE_CODE, CLOSE_REASON)
    finally:
        page.shutdown()
    print("<-", result["receipt"])
    assert result["protocol"] == chosen, result["protocol"]
    assert result["code"] == 4000 + CLOSE_CODE, result["code"]
    check_intact(result["receipt"], packets, "websocket", "stream")
    echo = [base64.b64decode(text) for text in result["echo"]]
    if chosen == "parallax.rtp":
        check_echo([RTPPacket.decode(packet) for packet in echo], packets)
    else:
        assert echo == [packet.payload for packet in packets], "the echo differs"
