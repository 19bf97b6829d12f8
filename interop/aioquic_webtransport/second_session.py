"""A second session on a connection that has one is refused by itself; the first goes on."""

import harness
from conversation import begin, take_turn
from harness import Case
from webtransport import WebTransport

H3_REQUEST_REJECTED = 0x10B


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.open_session()
        first = client.session_id
        await begin(client, "datagram")
        client.send_connect()
        second = client.session_id
        assert second is not None
        # Without flow control by capsules there may be only one (draft-ietf-webtrans-http3 section 5.1).
        await client.until(lambda: client.headers or second in client.stream_resets, "an answer to the second CONNECT")
        if client.headers is None:
            assert client.stream_resets[second] == H3_REQUEST_REJECTED, hex(client.stream_resets[second])
        else:
            assert client.headers[":status"] != "200", "a second session was taken, but never announced"
        client.session_id = first
        await take_turn(client, case.opus_packets(), "webtransport", "datagram")


if __name__ == "__main__":
    harness.run(case)
