"""A client with a session ticket speaks in its first packets; a ticket of another server only costs the round trip."""

from aioquic.tls import SessionTicket

import harness
from conversation import check_intact, commit_prompt
from harness import Case, Server
from realtime import choose_mode, packetize
from resumption import first_ticket
from roq import RoQ


async def speak_at_once(case: Case, server: Server, ticket: SessionTicket) -> None:
    packets = packetize(case.opus_packets()[:50])
    async with case.dial(server, RoQ, session_ticket=ticket) as client:
        client.send_event(choose_mode("stream-per-frame"))
        for packet in packets[:10]:
            client.send_packet(packet.encode(), "stream-per-frame")
        await client.wait_connected()
        assert client.quic.tls.session_resumed, "the session was not resumed"
        assert client.quic.tls.early_data_accepted, "early data was refused"
        for packet in packets[10:]:
            client.send_packet(packet.encode(), "stream-per-frame")
        await client.expect("session.updated")
        receipt = await commit_prompt(client, packets)
        check_intact(receipt, packets, "roq", "stream-per-frame")
        assert receipt["duplicate_frames"] == 0, receipt


async def case(case: Case) -> None:
    async with case.serve() as server:
        ticket = await first_ticket(case, server, RoQ)
        await speak_at_once(case, server, ticket)
        async with case.serve() as other, case.dial(other, RoQ, session_ticket=ticket) as client:
            await client.wait_connected()
            assert not client.quic.tls.session_resumed and not client.quic.tls.early_data_accepted


if __name__ == "__main__":
    harness.run(case)
