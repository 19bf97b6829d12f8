"""What the server sent and the network lost, libwebrtc asks for by NACK, and the server sends it again under its number."""

import harness
import sound
from calls import signalling
from harness import Case
from libwebrtc_call import Call
from libwebrtc_turn import commit_speech, hear, speak
from lossy_relay import relay

SESSION = {"type": "realtime", "parallax": {"reliability": {"mode": "nack"}}}
LOST = (30, 31, 70, 100)


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    async with case.serve() as server, signalling(server) as http, relay(server) as between:
        between.to_client.loses = lambda number: number in LOST
        call = Call()
        await call.make(http, SESSION, through=between)
        await call.expect("session.created")
        await speak(call, clip, between)
        receipt = await commit_speech(call, between)
        await hear(call, clip)
        sent = between.to_client
        print(f"{len(sent.first_sent)} packets to the client; lost {sent.lost}; again {sent.repeated}", flush=True)
        assert len(sent.lost) == len(LOST) and set(sent.lost) <= set(sent.repeated), "not all was sent again"
        assert {packet.ssrc for packet in sent.packets} == {sent.packets[0].ssrc}, "resends came from another source"
        inbound = await call.stats("inbound-rtp")
        assert inbound.nack_count, "libwebrtc sent no NACK"
        assert inbound.packets_received == receipt["received_frames"], inbound.packets_received
        assert inbound.packets_lost == 0, inbound.packets_lost
        # Whether each came in time for libwebrtc's jitter buffer is this machine's affair, and no claim of the server's.
        print(f"{inbound.concealment_events} concealments, of which one is the end of the answer", flush=True)
        await call.close()


if __name__ == "__main__":
    harness.run(case)
