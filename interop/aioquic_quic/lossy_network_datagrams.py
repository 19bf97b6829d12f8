"""Datagrams that the network loses are exactly the frames that the receipt misses, no more and no fewer."""

import asyncio

import harness
from conversation import begin, commit_prompt
from harness import Case, Meddler
from realtime import packetize
from webtransport import WebTransport

EVERY = 7


class Losing(Meddler):
    """Loses what is sent while it is told to."""

    is_losing = False

    def sendto(self, data: bytes, address: object = None) -> None:
        if not self.is_losing:
            super().sendto(data, address)


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    network = Losing()
    async with case.serve() as server, case.connect(server, WebTransport, between=network) as client:
        await client.open_session()
        await begin(client, "datagram")
        await client.ping()
        for index, packet in enumerate(packets):
            network.is_losing = index % EVERY == 3
            client.send_packet(packet.encode(), "datagram")
            network.is_losing = False
            await asyncio.sleep(0.004)
        receipt = await commit_prompt(client, packets)
        lost = range(3, len(packets), EVERY)
        assert receipt["verdict"] == "degraded", receipt["verdict"]
        assert receipt["received_frames"] == len(packets) - len(lost), receipt["received_frames"]
        assert receipt["missing"] == [{"from_ms": 20 * index, "to_ms": 20 * index + 20} for index in lost]


if __name__ == "__main__":
    harness.run(case)
