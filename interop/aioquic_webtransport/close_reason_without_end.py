"""A close reason of many megabytes, where 1,024 bytes are allowed: that session ends, memory stays flat."""

import harness
from conversation import begin
from harness import Case, resident_bytes
from realtime import CLOSE_SESSION, encode_varint
from webtransport import WebTransport

REASON_BYTES = 1 << 30
SENT_BYTES = 16 << 20


async def case(case: Case) -> None:
    async with case.serve() as server:
        before = resident_bytes(server)
        async with case.connect(server, WebTransport) as client:
            await client.open_session()
            await begin(client, "datagram")
            assert client.http is not None and client.session_id is not None
            capsule = encode_varint(CLOSE_SESSION) + encode_varint(REASON_BYTES)
            client.http.send_data(client.session_id, capsule, end_stream=False)
            for _ in range(SENT_BYTES >> 16):
                client.http.send_data(client.session_id, bytes(1 << 16), end_stream=False)
            client.transmit()
            await client.until(lambda: client.session_over, "the end of the session", 15)
        growth = resident_bytes(server) - before
        assert growth < 8 << 20, f"memory grew by {growth} bytes"
        async with case.connect(server, WebTransport) as client:
            await client.open_session()
            await begin(client, "datagram")


if __name__ == "__main__":
    harness.run(case)
