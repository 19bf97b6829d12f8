"""What a client keeps in order to go on with its session over another connection, and what it checks there."""

from __future__ import annotations

import asyncio

from aioquic.tls import SessionTicket

from attachment import Attachment, QUICAttachment, Unexpected
from harness import Case, Server
from realtime import Event, RTPPacket


async def first_ticket(case: Case, server: Server, peer: type[QUICAttachment]) -> SessionTicket:
    """The ticket of a first visit, good for early data."""
    tickets: list[SessionTicket] = []
    async with case.connect(server, peer, tickets=tickets):
        for _ in range(50):
            if tickets:
                break
            # No event tells of it.
            await asyncio.sleep(0.1)
    assert len(tickets) == 1, f"{len(tickets)} session tickets"
    assert tickets[0].max_early_data_size == 0xFFFF_FFFF, tickets[0].max_early_data_size
    return tickets[0]


def token_of(session: Event) -> str:
    """The token that a session object carries; good once."""
    resume = session["parallax"]["resume"]
    assert resume["detached_ms"] > 0, resume
    token: str = resume["token"]
    return token


async def hear_resumed(attachment: Attachment, session_id: str, used_token: str, transports: list[str]) -> Event:
    """Waits for `session.resumed` and checks that it is about the same session, with a token for the next time."""
    resumed = await attachment.expect("session.resumed")
    assert resumed["session"]["id"] == session_id, f"resumed {resumed['session']['id']} instead of {session_id}"
    assert token_of(resumed["session"]) != used_token, "session.resumed carries the token that was used"
    assert resumed["transports"] == transports, resumed["transports"]
    return resumed


def lacking(resumed: Event, sent: list[RTPPacket]) -> list[RTPPacket]:
    """Those of the frames that the server has not."""
    held = {run["first_sequence"] + index & 0xFFFF for run in resumed["held"] for index in range(run["frames"])}
    return [packet for packet in sent if packet.sequence not in held]


def check_events(attachments: list[Attachment], wanted: list[str]) -> None:
    """Holds the events of a session, over all its connections, against the types that it must have sent, in order."""
    events = [event for attachment in attachments for event in attachment.heard_events]
    kinds = [event["type"] for event in events]
    if kinds != wanted:
        raise Unexpected(f"the events were {kinds}, wanted {wanted}")
    ids = [event["event_id"] for event in events]
    twice = sorted({id for id in ids if ids.count(id) > 1})
    assert not twice, f"events came twice: {twice}"
