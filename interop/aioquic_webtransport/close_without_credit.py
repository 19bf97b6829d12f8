"""A client that leaves the server no room to say goodbye does not keep it from stopping."""

import asyncio

import harness
from aioquic.quic.connection import QuicConnection
from conversation import begin
from harness import Case
from webtransport import WebTransport


class Stalled(WebTransport):
    """Never opens its windows again."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        setattr(quic, "_write_connection_limits", lambda builder, space: None)
        setattr(quic, "_write_stream_limits", lambda builder, space, stream: None)


async def case(case: Case) -> None:
    async with case.serve("--drain-ms", "500") as server:
        async with case.connect(server, Stalled, max_data=2_500) as stalled:
            await stalled.open_session()
            await begin(stalled, "datagram")
            for _ in range(40):
                stalled.send_event({"type": "no.such.event"})
            await asyncio.sleep(0.3)
            server.terminate()
            # That it ends with status 0, the harness demands of every server.
            await asyncio.wait_for(server.process.wait(), 5)


if __name__ == "__main__":
    harness.run(case)
