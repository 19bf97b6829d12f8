"""A ClientHello from an address that has passed no check, before the real one: it gets no answer, and the call is made."""

import asyncio
import socket

from OpenSSL import SSL

import harness
from aiortc_call import Call
from calls import signalling
from conversation import hold_turn
from harness import Case


def client_hello() -> bytes:
    connection = SSL.Connection(SSL.Context(SSL.DTLS_METHOD))
    connection.set_connect_state()
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        pass
    return connection.bio_read(65_535)


async def case(case: Case) -> None:
    hello = client_hello()
    assert hello[0] == 22, hello[0]
    async with case.serve() as server, signalling(server) as http:
        call = Call()
        offer = await call.offer()
        reply = await http.post_offer(offer)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((harness.HOST, 0))
            stranger.setblocking(False)
            for _ in range(50):
                stranger.sendto(hello, server.address)
            await asyncio.sleep(0.2)
            await call.accept(reply)
            for _ in range(50):
                stranger.sendto(hello, server.address)
            await hold_turn(call, case.opus_packets(), "webrtc", "datagram")
            try:
                answer = stranger.recv(2_048)
            except BlockingIOError:
                answer = b""
            assert not answer, f"the stranger got an answer of {len(answer)} bytes"
        await call.close()


if __name__ == "__main__":
    harness.run(case)
