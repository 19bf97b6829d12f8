"""The keys that the server writes for Wireshark (SSLKEYLOGFILE) are those that aioquic has, line by line."""

import harness
from conversation import begin
from harness import Case
from roq import RoQ

SECRETS = {
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "CLIENT_TRAFFIC_SECRET_0",
    "SERVER_TRAFFIC_SECRET_0",
}


async def case(case: Case) -> None:
    async with case.serve() as server, case.connect(server, RoQ) as client:
        await begin(client, "datagram")
    ours, theirs = (
        {line for line in (case.logs / name).read_text().splitlines() if line.split(" ")[0] in SECRETS}
        for name in ("server.keys", "client.keys")
    )
    assert {line.split(" ")[0] for line in theirs} == SECRETS, "aioquic did not write its keys"
    assert ours == theirs, f"{len(ours & theirs)} of {len(theirs)} lines agree"


if __name__ == "__main__":
    harness.run(case)
