"""A frame too long for the way back must not stall the frames behind it."""

import harness
from conversation import begin
from harness import Case
from realtime import RTPPacket, packetize
from roq import RoQ

OVERSIZE = 8


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    long = packets[OVERSIZE]
    packets[OVERSIZE] = RTPPacket(long.sequence, long.timestamp, long.payload[:1] + bytes(1_340))
    async with case.serve(responder="loopback") as server:
        async with case.connect(server, RoQ, max_datagram_size=1_452) as client:
            await begin(client, "datagram")
            for packet in packets:
                client.send_packet(packet.encode(), "datagram")
                await client.ping()
            fitting = {packet.sequence for packet in packets} - {long.sequence}
            await client.until(lambda: fitting <= {packet.sequence for packet in client.packets}, "all that fit")


if __name__ == "__main__":
    harness.run(case)
