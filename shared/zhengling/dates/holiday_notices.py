"""The State Council's notices on the holidays of each year since 2010 and their amendments: number and date.

The days come from the `holidays` package; these notices are their legal basis. A later year's notice is entered in
calendar-svc, not here. Pure.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

OFFICE, COUNCIL = "国务院办公厅", "国务院"


class KnownNotice(NamedTuple):
    """`days` are those that an amending notice changes; None for the notice of a whole year."""

    year: int
    issuer: str
    number: str
    date: dt.date
    days: frozenset[dt.date] | None = None


def _days(*days: tuple[int, int, int]) -> frozenset[dt.date]:
    return frozenset(dt.date(*day) for day in days)


#: Oldest first; a year's own notice before its amendments.
KNOWN = (
    KnownNotice(2010, OFFICE, "国办发明电〔2009〕27号", dt.date(2009, 12, 8)),
    KnownNotice(2011, OFFICE, "国办发明电〔2010〕40号", dt.date(2010, 12, 10)),
    KnownNotice(2012, OFFICE, "国办发明电〔2011〕45号", dt.date(2011, 12, 6)),
    KnownNotice(2013, OFFICE, "国办发明电〔2012〕33号", dt.date(2012, 12, 8)),
    KnownNotice(2014, OFFICE, "国办发明电〔2013〕28号", dt.date(2013, 12, 11)),
    KnownNotice(2015, OFFICE, "国办发明电〔2014〕28号", dt.date(2014, 12, 16)),
    KnownNotice(
        2015, COUNCIL, "国发明电〔2015〕1号", dt.date(2015, 5, 13), _days((2015, 9, 3), (2015, 9, 4), (2015, 9, 6))
    ),
    KnownNotice(2016, OFFICE, "国办发明电〔2015〕18号", dt.date(2015, 12, 10)),
    KnownNotice(2017, OFFICE, "国办发明电〔2016〕17号", dt.date(2016, 12, 1)),
    KnownNotice(2018, OFFICE, "国办发明电〔2017〕12号", dt.date(2017, 11, 30)),
    KnownNotice(2019, OFFICE, "国办发明电〔2018〕15号", dt.date(2018, 12, 4)),
    KnownNotice(
        2019,
        OFFICE,
        "国办发明电〔2019〕3号",
        dt.date(2019, 3, 22),
        _days((2019, 4, 28), (2019, 5, 1), (2019, 5, 2), (2019, 5, 3), (2019, 5, 5)),
    ),
    KnownNotice(2020, OFFICE, "国办发明电〔2019〕16号", dt.date(2019, 11, 21)),
    KnownNotice(
        2020, OFFICE, "国办发明电〔2020〕1号", dt.date(2020, 1, 26), _days((2020, 1, 31), (2020, 2, 1), (2020, 2, 2))
    ),
    KnownNotice(2021, OFFICE, "国办发明电〔2020〕27号", dt.date(2020, 11, 25)),
    KnownNotice(2022, OFFICE, "国办发明电〔2021〕11号", dt.date(2021, 10, 25)),
    KnownNotice(2023, OFFICE, "国办发明电〔2022〕16号", dt.date(2022, 12, 8)),
    KnownNotice(2024, OFFICE, "国办发明电〔2023〕7号", dt.date(2023, 10, 25)),
    KnownNotice(2025, OFFICE, "国办发明电〔2024〕12号", dt.date(2024, 11, 12)),
    KnownNotice(2026, OFFICE, "国办发明电〔2025〕7号", dt.date(2025, 11, 4)),
)


def of_day(day: dt.date, swapped_with: dt.date | None = None) -> KnownNotice | None:
    """The notice that is the basis of a special day. The last days of December belong, with their swap, to the New Year
    holiday of the next year and to its notice. None for a year without a known notice."""
    year = day.year + 1 if (day.month, swapped_with is not None) == (12, True) else day.year
    found = [n for n in KNOWN if n.year == year and (n.days is None or day in n.days)]
    return found[-1] if found else None
