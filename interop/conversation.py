"""One turn with `parallax serve`, as any client of any transport would hold it, and what must come of it."""

from __future__ import annotations

import asyncio

from attachment import Attachment, Unexpected
from realtime import Event, RTPPacket, choose_mode, client_event, commit, packetize, prompt_sha256

RECEIPT = "conversation.item.input_audio_integrity.completed"
PACE_SECONDS = 0.002  # ten times as fast as speech: nothing here needs to wait for the talker


async def begin(attachment: Attachment, mode: str) -> Event:
    """Attaches, checks the greeting, and chooses how frames travel."""
    attachment.send_event(choose_mode(mode))
    created = await attachment.expect("session.created")
    session: Event = created["session"]
    assert session["id"].startswith("sess_"), session["id"]
    assert session["object"] == "realtime.session", session["object"]
    assert created["event_id"], "an event without an event_id"
    updated = await attachment.expect("session.updated")
    chosen = updated["session"]["parallax"]["reliability"]["mode"]
    assert chosen == mode, f"asked for {mode}, got {chosen}"
    return session


async def send_prompt(attachment: Attachment, packets: list[RTPPacket], mode: str) -> None:
    for packet in packets:
        attachment.send_packet(packet.encode(), mode)
        await asyncio.sleep(PACE_SECONDS)


async def commit_prompt(attachment: Attachment, packets: list[RTPPacket]) -> Event:
    """Commits, and gives the receipt."""
    attachment.send_event(commit(packets))
    committed = await attachment.expect("input_audio_buffer.committed")
    receipt = await attachment.expect(RECEIPT)
    assert receipt["item_id"] == committed["item_id"], "the receipt is for another item"
    return receipt


def check_intact(receipt: Event, packets: list[RTPPacket], transport: str, mode: str) -> None:
    """Holds every field of the receipt of an undamaged prompt against what was sent."""
    digest = prompt_sha256(packet.payload for packet in packets)
    wanted = {
        "content_index": 0,
        "verdict": "intact",
        "expected_frames": len(packets),
        "received_frames": len(packets),
        "duplicate_frames": 0,
        "missing": [],
        "longest_gap_ms": 0,
        "sha256": {"expected": digest, "actual": digest},
        "transport": transport,
        "mode": mode,
    }
    wrong = {name: receipt.get(name) for name, value in wanted.items() if receipt.get(name) != value}
    if wrong:
        raise Unexpected(f"receipt says {wrong}, wanted {({name: wanted[name] for name in wrong})}")


async def hear_echo(attachment: Attachment, packets: list[RTPPacket]) -> None:
    """Asks for the answer and checks that it is the prompt, byte for byte."""
    heard_before = len(attachment.packets)
    attachment.send_event(client_event("response.create"))
    created = await attachment.expect("response.created")
    done = await attachment.expect("response.done")
    assert done["response"]["id"] == created["response"]["id"]
    assert done["response"]["status"] == "completed", done["response"]["status"]

    def heard() -> list[RTPPacket]:
        return attachment.packets[heard_before:]

    # The answer may be played out in real time, after the response is done.
    seconds = len(packets) * 0.02 + 5
    await attachment.until(lambda: len(heard()) >= len(packets), "the whole answer", seconds)
    in_order = sorted(heard(), key=lambda packet: packet.sequence - heard()[0].sequence + 0x8000 & 0xFFFF)
    assert [packet.payload for packet in in_order] == [packet.payload for packet in packets], "the echo differs"
    steps = {after.timestamp - before.timestamp & 0xFFFF_FFFF for before, after in zip(in_order, in_order[1:])}
    assert steps == {960}, f"timestamps step by {steps}"


async def take_turn(attachment: Attachment, payloads: list[bytes], transport: str, mode: str) -> None:
    """Speaks, commits, checks the receipt and hears the echo, on a session that has begun."""
    packets = packetize(payloads)
    await send_prompt(attachment, packets, mode)
    check_intact(await commit_prompt(attachment, packets), packets, transport, mode)
    await hear_echo(attachment, packets)


async def hold_turn(attachment: Attachment, payloads: list[bytes], transport: str, mode: str) -> None:
    """Everything above in a row: the conversation of most cases."""
    await begin(attachment, mode)
    await take_turn(attachment, payloads, transport, mode)
