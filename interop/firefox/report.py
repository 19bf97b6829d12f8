"""Headless Firefox draws every chart of a report, fetches nothing, and has nothing to complain about."""

import harness
from harness import Case
from report_page import firefox, hold_report


async def case(case: Case) -> None:
    await hold_report(case, firefox)


if __name__ == "__main__":
    harness.run(case)
