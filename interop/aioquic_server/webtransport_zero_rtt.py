"""`parallax talk --tickets` over WebTransport speaks early to an aioquic server that knows it, and again to one that has forgotten it."""

import harness
from harness import Case
from meeting import TicketStore, make_credentials, meet


async def case(case: Case) -> None:
    store = TicketStore()
    credentials = make_credentials()
    options = ("--tickets", str(case.logs / "tickets"))
    for expected in ("none", "accepted", "rejected"):
        if expected == "rejected":
            store.tickets.clear()
        report = await meet(case, "webtransport", "stream-per-frame", *options, store=store, credentials=credentials)
        assert report["early_data"] == expected, report
    assert store.shown == [True, False], store.shown


if __name__ == "__main__":
    harness.run(case)
