"""Transport parameters of 12 KB while the server writes qlog: it may refuse them, and must live."""

import harness
from aioquic.buffer import encode_uint_var
from aioquic.quic.connection import QuicConnection
from conversation import hold_turn
from harness import Case
from roq import RoQ

UNKNOWN_PARAMETER = 31 * 1_000 + 27  # reserved for just this (RFC 9000 section 18.1)
SIZE = 12_000


class Boastful(RoQ):
    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        modest = quic._serialize_transport_parameters
        boast = encode_uint_var(UNKNOWN_PARAMETER) + encode_uint_var(SIZE) + bytes(SIZE)
        setattr(quic, "_serialize_transport_parameters", lambda: modest() + boast)


async def case(case: Case) -> None:
    async with case.serve("--qlog-dir", str(case.logs)) as server:
        async with case.dial(server, Boastful) as client:
            await client.until(lambda: client.quic._handshake_complete or client.termination, "an answer", 10)
            print("the server took them" if client.quic._handshake_complete else client.termination)
        async with case.connect(server, RoQ) as client:
            await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
