"""libwebrtc sets SCTP up by offer and answer (`a=sctp-init`): no handshake of its own, and events flow the same."""

import harness
import webrtc
from calls import signalling
from conversation import begin
from harness import Case
from libwebrtc_call import Call
from lossy_relay import relay
from realtime import client_event


async def case(case: Case) -> None:
    webrtc.field_trials["WebRTC-Sctp-Snap"] = "Enabled"
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        call = Call()
        await call.make(http, through=between)
        assert "a=sctp-init:" in call.connection.local_description.sdp, "libwebrtc offered none"
        assert "a=sctp-init:" in call.reply.text, "the answer has none"
        await begin(call, "datagram")
        # A long conversation of events, so that sequence numbers and credit are tried, too.
        for _ in range(50):
            call.send_event(client_event("session.update", session={"type": "realtime", "instructions": "x" * 3_000}))
        for _ in range(50):
            updated = await call.expect("session.updated")
            assert updated["session"]["instructions"] == "x" * 3_000
        await call.close()
        await server.saw_close(0, "")


if __name__ == "__main__":
    harness.run(case)
