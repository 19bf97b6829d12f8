"""ICE is restarted by PATCH in the middle of a session: 200 with new credentials and a new ETag, and the session goes on."""

from typing import Any

from aioice import stun

import harness
from aiortc_call import Call
from calls import FRAGMENT, WHIP, signalling
from conversation import begin, check_intact, commit_prompt, hear_echo, send_prompt
from harness import Case
from realtime import packetize

USER, PASSWORD = "restarted", "aPasswordOf24LettersHere"


async def check(ice: Any) -> None:
    """A connectivity check with what aioice now believes to be the credentials, answered with integrity."""
    [pair] = [pair for pair in ice._nominated.values()]
    request = ice.build_request(pair, nominate=True)
    response, _ = await pair.protocol.request(
        request, pair.remote_addr, integrity_key=ice.remote_password.encode("utf8")
    )
    assert response.message_class == stun.Class.RESPONSE, response


async def case(case: Case) -> None:
    packets = packetize(case.opus_packets())
    async with case.serve() as server, signalling(server) as http:
        call = Call()
        await call.make(http, path=WHIP)
        ice = call._transceiver.sender.transport.transport._connection
        await begin(call, "datagram")
        await send_prompt(call, packets[:75], "datagram")

        body = f"a=ice-ufrag:{USER}\r\na=ice-pwd:{PASSWORD}\r\n"
        headers = {"Content-Type": FRAGMENT, "If-Match": "*"}
        reply = await http.request("PATCH", call.reply.headers["location"], data=body, headers=headers)
        reply.expect(200)
        assert reply.headers["content-type"] == FRAGMENT, reply.headers
        assert reply.headers["etag"] != call.reply.headers["etag"], "the ETag stayed the same"
        fields = dict(line.split(":", 1) for line in reply.text.splitlines() if ":" in line)
        assert fields["a=ice-ufrag"] != ice.remote_username, "the ufrag stayed the same"

        # What was agreed on before holds until the first check with the new credentials.
        await check(ice)
        ice.remote_username, ice.remote_password = fields["a=ice-ufrag"], fields["a=ice-pwd"]
        ice._local_username, ice._local_password = USER, PASSWORD
        await check(ice)
        await send_prompt(call, packets[75:], "datagram")
        check_intact(await commit_prompt(call, packets), packets, "webrtc", "datagram")
        await hear_echo(call, packets)
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
