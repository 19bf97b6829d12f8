"""Ten thousand streams opened and reset: memory stays flat, and the session goes on or ends by itself."""

import harness
from conversation import begin, hold_turn
from harness import Case, resident_bytes
from realtime import encode_varint
from roq import RoQ

COUNT = 10_000


async def case(case: Case) -> None:
    async with case.serve() as server:
        async with case.connect(server, RoQ) as client:
            await begin(client, "stream-per-frame")
            before = resident_bytes(server)
            for number in range(COUNT):
                stream = client.quic.get_next_available_stream_id(is_unidirectional=True)
                client.quic.send_stream_data(stream, encode_varint(0) + b"\x40")
                client.quic.reset_stream(stream, 0x05)
                if number % 50 == 49 and client.termination is None:
                    await client.ping()
            growth = resident_bytes(server) - before
            assert growth < 8 << 20, f"memory grew by {growth} bytes"
        async with case.connect(server, RoQ) as client:
            await hold_turn(client, case.opus_packets(), "roq", "datagram")


if __name__ == "__main__":
    harness.run(case)
