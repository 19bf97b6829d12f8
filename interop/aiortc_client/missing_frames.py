"""Packets that were never sent by SRTP: the receipt names exactly these holes, and nothing is passed off as whole."""

import harness
from aiortc_call import Call
from calls import signalling
from conversation import begin, commit_prompt, send_prompt
from harness import Case
from realtime import packetize

LOST = {10, 11, 12, 40}


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets(), first_sequence=65_500)
    sent = [packet for index, packet in enumerate(packets) if index not in LOST]
    async with case.serve() as server, signalling(server) as http:
        call = Call()
        await call.make(http)
        await begin(call, "datagram")
        await send_prompt(call, sent, "datagram")
        receipt = await commit_prompt(call, packets)
        assert receipt["verdict"] == "degraded", receipt["verdict"]
        assert receipt["expected_frames"] == len(packets), receipt["expected_frames"]
        assert receipt["received_frames"] == len(sent), receipt["received_frames"]
        holes = [{"from_ms": 200, "to_ms": 260}, {"from_ms": 800, "to_ms": 820}]
        assert receipt["missing"] == holes, receipt["missing"]
        assert receipt["longest_gap_ms"] == 60, receipt["longest_gap_ms"]
        await call.close()


if __name__ == "__main__":
    harness.run(case)
