"""RTCP: the server reports what it received and what it sent, by counts that are right, and says goodbye when it is hung up."""

import asyncio

import harness
import sound
from aiortc_call import Call, ClipTrack
from calls import signalling
from conversation import begin, commit_prompt, hear_echo
from harness import Case


async def case(case: Case) -> None:
    clip = sound.read_clip(case.clip)
    track = ClipTrack(clip)
    async with case.serve() as server, signalling(server) as http:
        call = Call(track)
        await call.make(http)
        await begin(call, "datagram")
        await asyncio.wait_for(track.is_over.wait(), 10)
        packets = call.tap.sent
        highest = packets[-1].sequence

        def is_all_reported() -> bool:
            blocks = call.tap.reports_about(call.ssrc)
            return bool(blocks) and blocks[-1].highest_sequence & 0xFFFF == highest

        await call.until(is_all_reported, "a report of all that was sent")
        blocks = call.tap.reports_about(call.ssrc)
        assert all(block.packets_lost == 0 and block.fraction_lost == 0 for block in blocks), blocks
        # Where a sender report of ours had come, the peer's round trip can be told (RFC 3550 section 6.4.1).
        assert any(block.lsr and block.dlsr for block in blocks), "no block answers a sender report"

        await commit_prompt(call, packets)
        await hear_echo(call, packets)
        await call.until(lambda: call.tap.sender_reports, "a sender report")
        last = call.tap.sender_reports[-1].sender_info
        assert 0 < last.packet_count <= len(call.packets), last
        assert last.octet_count <= sum(len(packet.payload) for packet in call.packets), last
        await http.request("DELETE", call.reply.headers["location"])
        await call.until(lambda: call.tap.has_goodbye, "the goodbye")
        await call.until(lambda: call.termination, "the end of the connection")
        await call.close()


if __name__ == "__main__":
    harness.run(case)
