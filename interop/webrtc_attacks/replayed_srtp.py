"""Every SRTP packet arrives a second time, from the same address and from another's: the receipt counts none of them."""

import socket

import harness
from aiortc_call import Call
from calls import signalling
from conversation import hold_turn
from harness import Case
from lossy_relay import relay


async def case(case: Case) -> None:
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            overheard: list[bytes] = []

            def repeat(datagram: bytes) -> None:
                if datagram[0] >> 6 == 2:
                    overheard.append(datagram)
                    # The one before, once more; and once from somewhere else.
                    between.send_to_server(overheard[len(overheard) // 2])
                    stranger.sendto(datagram, server.address)

            between.overhear = repeat
            call = Call()
            await call.make(http, through=between)
            await hold_turn(call, case.opus_packets(), "webrtc", "datagram")
            assert len(overheard) > 100, len(overheard)
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
