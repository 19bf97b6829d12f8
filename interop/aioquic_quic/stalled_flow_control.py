"""A client that gives no more flow control credit does not hold up the server, another client, or the stop."""

import harness
from aioquic.quic.connection import QuicConnection
from conversation import begin, commit_prompt, hold_turn, send_prompt
from harness import Case
from realtime import client_event, packetize
from roq import RoQ


class Stalled(RoQ):
    """Takes what its first windows allow, and never opens them again."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        setattr(quic, "_write_connection_limits", lambda builder, space: None)
        setattr(quic, "_write_stream_limits", lambda builder, space, stream: None)


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    async with case.serve() as server:
        async with case.connect(server, Stalled, max_data=6_000, max_stream_data=6_000) as stalled:
            await begin(stalled, "stream")
            await send_prompt(stalled, packets, "stream")
            await commit_prompt(stalled, packets)
            stalled.send_event(client_event("response.create"))
            async with case.connect(server, RoQ) as client:
                await hold_turn(client, case.opus_packets(), "roq", "stream")


if __name__ == "__main__":
    harness.run(case)
