"""The qlog of a turn is JSON-SEQ from its first record to its last, and knows the packets that aioquic knows."""

import json
from typing import Any

import harness
from conversation import hold_turn
from harness import Case
from roq import RoQ

RECORD_SEPARATOR = b"\x1e"  # RFC 7464 section 2.2


def packet_numbers(events: list[dict[str, Any]], name: str) -> set[int]:
    return {
        event["data"]["header"]["packet_number"]
        for event in events
        if event["name"] == name and event["data"]["header"]["packet_type"] == "1RTT"
    }


async def case(case: Case) -> None:
    async with case.serve("--qlog-dir", str(case.logs)) as server, case.connect(server, RoQ) as client:
        await hold_turn(client, case.opus_packets(), "roq", "datagram")
    [server_log] = case.logs.glob("*.sqlog")
    [client_log] = case.logs.glob("*.qlog")
    data = server_log.read_bytes()
    assert data.startswith(RECORD_SEPARATOR) and data.endswith(b"\n"), "not JSON-SEQ"
    head, *events = (json.loads(record) for record in data.split(RECORD_SEPARATOR)[1:])
    assert head["qlog_format"] == "JSON-SEQ", head
    [trace] = json.loads(client_log.read_text())["traces"]
    sent = packet_numbers(trace["events"], "transport:packet_sent")
    received = packet_numbers(events, "transport:packet_received")
    assert len(received) > 100, f"{len(received)} packets in the log"
    assert received <= sent, f"packets that aioquic never sent: {sorted(received - sent)[:10]}"


if __name__ == "__main__":
    harness.run(case)
