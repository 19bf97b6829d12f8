"""CONNECT, events and frames that aioquic sends as early data are accepted; a recording of the same packets is not."""

import asyncio

import harness
from conversation import check_intact, commit_prompt
from harness import HOST, Case, Meddler
from realtime import choose_mode, packetize
from resumption import first_ticket
from webtransport import PATH, WebTransport


class Recorder(Meddler):
    """Remembers what the client sends."""

    def __init__(self) -> None:
        super().__init__()
        self.packets: list[bytes] = []

    def sendto(self, data: bytes, address: tuple[str, int] | None = None) -> None:
        self.packets.append(bytes(data))
        super().sendto(data, address)


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets()[:50])
    async with case.serve() as server:
        ticket = await first_ticket(case, server, WebTransport)
        recorder = Recorder()
        async with case.dial(server, WebTransport, between=recorder, session_ticket=ticket) as client:
            client.send_connect(PATH)
            client.send_event(choose_mode("stream-per-frame"))
            for packet in packets[:10]:
                client.send_packet(packet.encode(), "stream-per-frame")
            flight = list(recorder.packets)
            assert await client.status() == 200
            assert client.quic.tls.early_data_accepted, "early data was refused"
            for packet in packets[10:]:
                client.send_packet(packet.encode(), "stream-per-frame")
            await client.expect("session.updated")
            check_intact(await commit_prompt(client, packets), packets, "webtransport", "stream-per-frame")
        await asyncio.sleep(0.5)
        opened = sum(event["event"] == "session_opened" for event in server.events)
        loop = asyncio.get_running_loop()
        stranger, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(HOST, 0))
        for packet in flight:
            stranger.sendto(packet, server.address)
        await asyncio.sleep(1)
        stranger.close()
        assert sum(event["event"] == "session_opened" for event in server.events) == opened == 1, server.events


if __name__ == "__main__":
    harness.run(case)
