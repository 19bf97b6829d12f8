"""The client renews its keys in mid prompt (RFC 9001 section 6); the server follows and nothing is lost."""

import harness
from conversation import begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case
from realtime import packetize
from roq import RoQ


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    middle = len(packets) // 2
    async with case.serve() as server, case.connect(server, RoQ) as client:
        await begin(client, "datagram")
        await client.until(lambda: client.quic._handshake_confirmed, "the handshake to be confirmed")
        await send_prompt(client, packets[:middle], "datagram")
        client.request_key_update()
        await send_prompt(client, packets[middle:], "datagram")
        check_intact(await commit_prompt(client, packets), packets, "roq", "datagram")
        await hear_echo(client, packets)
        [pair] = [pair for epoch, pair in client.quic._cryptos.items() if epoch.name == "ONE_RTT"]
        assert pair.key_phase == 1, "the keys were not renewed"


if __name__ == "__main__":
    harness.run(case)
