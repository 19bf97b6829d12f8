"""A stream that carries five frames, then another: how packets are spread over streams means nothing."""

import harness
from conversation import begin, check_intact, commit_prompt
from harness import Case
from realtime import encode_varint, packetize, roq_stream_packet
from roq import RoQ


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    async with case.serve() as server, case.connect(server, RoQ) as client:
        await begin(client, "stream")
        for start in range(0, len(packets), 5):
            stream = client.quic.get_next_available_stream_id(is_unidirectional=True)
            framed = b"".join(roq_stream_packet(packet.encode()) for packet in packets[start : start + 5])
            client.quic.send_stream_data(stream, encode_varint(0) + framed, end_stream=True)
            client.transmit()
        check_intact(await commit_prompt(client, packets), packets, "roq", "stream")


if __name__ == "__main__":
    harness.run(case)
