"""A bidirectional stream is fatal in RTP over QUIC: the server closes with ROQ_STREAM_CREATION_ERROR."""

import harness
from conversation import begin
from harness import Case
from realtime import ROQ_STREAM_CREATION_ERROR, encode_varint
from roq import RoQ


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, RoQ) as client:
        await begin(client, "datagram")
        stream = client.quic.get_next_available_stream_id()
        client.quic.send_stream_data(stream, encode_varint(0))
        client.transmit()
        end = await client.terminated()
        assert end.error_code == ROQ_STREAM_CREATION_ERROR, end


if __name__ == "__main__":
    harness.run(case)
