"""The years of working days that calendar-svc answers for, and which of them changed.

Pure: no I/O.
"""

from __future__ import annotations

from zhengling.workdays import CalendarYear


def changed_years(
    known: dict[int, tuple[int, CalendarYear]], base: list[CalendarYear]
) -> list[tuple[int, CalendarYear]]:
    """Years whose content differs from what is known, each with its next version (from 1)."""
    return [
        (known[year.year][0] + 1 if year.year in known else 1, year)
        for year in base
        if year.year not in known or known[year.year][1] != year
    ]
