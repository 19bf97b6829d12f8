"""Sessions over WebTransport, RTP over QUIC and WebRTC at once on one port, three of each in every mode: each is intact."""

import asyncio

import harness
from aiortc_call import Call
from attachment import MODES
from calls import Signalling, signalling
from conversation import hold_turn
from harness import Case, Server
from roq import RoQ
from webtransport import WebTransport


async def over_quic(case: Case, server: Server, peer: type[WebTransport] | type[RoQ], mode: str) -> None:
    async with case.connect(server, peer) as client:
        await client.open_session()
        await hold_turn(client, case.opus_packets(), "roq" if peer is RoQ else "webtransport", mode)


async def over_webrtc(case: Case, http: Signalling, mode: str) -> None:
    call = Call()
    await call.make(http)
    await call.open_media(mode)
    await hold_turn(call, case.opus_packets(), "webrtc", mode)
    await call.close()


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http:
        async with asyncio.TaskGroup() as sessions:
            for mode in MODES:
                sessions.create_task(over_webrtc(case, http, mode))
                for peer in (WebTransport, RoQ):
                    sessions.create_task(over_quic(case, server, peer, mode))


if __name__ == "__main__":
    harness.run(case)
