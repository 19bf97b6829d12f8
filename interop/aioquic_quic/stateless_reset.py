"""A packet for a connection that the server has forgotten is answered with a Stateless Reset (RFC 9000 section 10.3)."""

import asyncio
import os
import socket

import harness
from conversation import begin
from harness import HOST, Case
from roq import RoQ

PACKET_BYTES = 100


async def case(case: Case) -> None:
    async with case.serve() as server:
        async with case.connect(server, RoQ) as client:
            await begin(client, "datagram")
            connection_id = client.quic._peer_cid
            assert connection_id.stateless_reset_token is not None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            stranger.bind((HOST, 0))
            # The server keeps the connection for a while after its close (RFC 9000 section 10.2).
            answer = b""
            for _ in range(20):
                await asyncio.sleep(0.5)
                packet = b"\x40" + connection_id.cid + os.urandom(PACKET_BYTES - 1 - len(connection_id.cid))
                stranger.sendto(packet, server.address)
                await asyncio.sleep(0.1)
                try:
                    answer = stranger.recv(2_048)
                except BlockingIOError:
                    continue
                if answer.endswith(connection_id.stateless_reset_token):
                    break
        assert answer.endswith(connection_id.stateless_reset_token), f"answered with {answer.hex() or 'nothing'}"
        assert 21 <= len(answer) < PACKET_BYTES, f"a reset of {len(answer)} bytes"
        assert answer[0] >> 6 == 0b01, f"first byte {answer[0]:#x}"


if __name__ == "__main__":
    harness.run(case)
