"""Frames that were never sent: the receipt names exactly these holes, and nothing is passed off as whole."""

import harness
from conversation import begin, commit_prompt, send_prompt
from harness import Case
from realtime import packetize
from webtransport import WebTransport

LOST = {10, 11, 12, 40}


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    sent = [packet for index, packet in enumerate(packets) if index not in LOST]
    async with case.serve() as server, case.connect(server, WebTransport) as client:
        await client.open_session()
        await begin(client, "datagram")
        await send_prompt(client, sent, "datagram")
        receipt = await commit_prompt(client, packets)
        assert receipt["verdict"] == "degraded", receipt["verdict"]
        assert receipt["expected_frames"] == len(packets), receipt["expected_frames"]
        assert receipt["received_frames"] == len(sent), receipt["received_frames"]
        holes = [{"from_ms": 200, "to_ms": 260}, {"from_ms": 800, "to_ms": 820}]
        assert receipt["missing"] == holes, receipt["missing"]
        assert receipt["longest_gap_ms"] == 60, receipt["longest_gap_ms"]
        assert receipt["sha256"]["expected"] != receipt["sha256"]["actual"], "the hashes are equal"


if __name__ == "__main__":
    harness.run(case)
