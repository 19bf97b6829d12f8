"""STUN from elsewhere without integrity, with a wrong password, or overheard and repeated: the session stays where it is."""

import asyncio
import socket

from aioice import stun

import harness
from aiortc_call import Call
from calls import signalling
from conversation import begin, take_turn
from harness import Case
from lossy_relay import relay


def check(user: str, password: bytes | None) -> bytes:
    """A check that nominates the path it comes by."""
    message = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    message.attributes["USERNAME"] = user
    message.attributes["PRIORITY"] = 2**31 - 1
    message.attributes["ICE-CONTROLLING"] = 1
    message.attributes["USE-CANDIDATE"] = None
    if password is None:
        message.add_fingerprint()
    else:
        message.add_message_integrity(password)
    return bytes(message)


async def case(case: Case) -> None:
    overheard: list[bytes] = []
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        between.overhear = lambda datagram: overheard.append(datagram) if datagram[0] < 4 else None
        call = Call()
        await call.make(http, through=between)
        await begin(call, "datagram")
        ice = call._transceiver.sender.transport.transport._connection
        user = f"{ice.remote_username}:{ice.local_username}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind((harness.HOST, 0))
            stranger.setblocking(False)
            assert overheard, "no check was overheard"
            for _ in range(20):
                stranger.sendto(check(user, None), server.address)
                stranger.sendto(check(user, b"not the password"), server.address)
                stranger.sendto(check("nobody:nobody", b"not the password"), server.address)
                for datagram in overheard[-5:]:
                    stranger.sendto(datagram, server.address)
                    stranger.sendto(datagram[:-1], server.address)
            await asyncio.sleep(0.1)
            await take_turn(call, case.opus_packets(), "webrtc", "datagram")
            for answer in received(stranger):
                assert answer[0] < 4, f"the stranger was sent {answer[:16].hex()}: the media went astray"
                kind = stun.parse_message(answer).message_class
                assert kind == stun.Class.ERROR, "a forged check was taken for true"
        await call.close()
        await server.saw_close(0, "")


def received(stranger: socket.socket) -> list[bytes]:
    answers = []
    while True:
        try:
            answers.append(stranger.recv(2_048))
        except BlockingIOError:
            return answers


if __name__ == "__main__":
    harness.run(case)
