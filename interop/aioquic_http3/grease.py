"""Reserved settings, frames, stream types and capsules are passed over (RFC 9114 section 7.2.8), and a turn is held."""

import harness
from aioquic.quic.connection import QuicConnection
from conversation import hold_turn
from harness import Case
from realtime import encode_capsule, encode_varint
from violations import frame
from webtransport import WebTransport

RESERVED = 0x1F * 1_000 + 0x21
RESERVED_CAPSULE = 0x29 * 1_000 + 0x17  # RFC 9297 section 5.4


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        quic: QuicConnection = client.quic
        await client.until(lambda: client.http, "HTTP/3")
        assert client.http is not None
        assert client.http._local_control_stream_id is not None
        quic.send_stream_data(client.http._local_control_stream_id, frame(RESERVED, b"grease"))
        stream = quic.get_next_available_stream_id(is_unidirectional=True)
        quic.send_stream_data(stream, encode_varint(RESERVED) + b"grease", end_stream=True)
        await client.open_session()
        assert client.session_id is not None
        client.http.send_data(client.session_id, encode_capsule(RESERVED_CAPSULE, b"grease"), end_stream=False)
        quic.send_stream_data(client.session_id, frame(RESERVED, b"grease"))
        await hold_turn(client, case.opus_packets(), "webtransport", "stream-per-frame")


if __name__ == "__main__":
    harness.run(case)
