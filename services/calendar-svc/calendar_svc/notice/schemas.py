"""Payloads and views of holiday arrangements."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from calendar_svc.notice.notice import Arrangement
from zhengling.dates.workdays import Notice
from zhengling.kernel.instants import Day
from zhengling.kernel.payload import SAYING, Once, Payload


class HolidayArrangement(Payload):
    """One holiday of the notice: days off from the first to the last, and the weekend days worked for it."""

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=SAYING)]
    first: Day
    last: Day
    work_on: Annotated[list[Day], Field(default_factory=list, max_length=10), Once()]
    granted: Annotated[
        list[Day],
        Field(
            default_factory=list,
            max_length=20,
            description="days off beyond the statutory ones, without make-up work",
        ),
        Once(),
    ]

    def arrangement(self) -> Arrangement:
        return Arrangement(self.name, self.first, self.last, tuple(self.work_on), tuple(self.granted))


class NoticeRequest(Payload):
    """A year's holiday notice of the State Council, as printed, or one that amends it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "year": 2019, "issuer": "国务院办公厅", "number": "国办发明电〔2019〕3号", "date": "2019-03-22",
                    "amends": "国办发明电〔2018〕15号",
                    "holidays": [
                        {"name": "劳动节", "first": "2019-05-01", "last": "2019-05-04",
                         "work_on": ["2019-04-28", "2019-05-05"]}
                    ],
                }
            ]
        },
    )  # fmt: skip
    year: Annotated[StrictInt, Field(ge=2010, le=9998)]
    issuer: Annotated[str, Field(min_length=2, max_length=60, pattern=SAYING)]
    number: Annotated[str, Field(min_length=2, max_length=60, pattern=SAYING)]
    date: Day
    amends: Annotated[str | None, Field(max_length=60, description="the number of the notice it changes")] = None
    holidays: Annotated[list[HolidayArrangement], Field(min_length=1, max_length=20), Once()]

    def notice(self) -> Notice:
        return Notice(issuer=self.issuer, number=self.number, date=self.date, year=self.year)


class NoticeView(BaseModel):
    """A notice as it was entered."""

    year: int
    issuer: str
    number: str
    date: dt.date
    amends: str | None
    holidays: list[HolidayArrangement]
    entered_by: str
    recorded_at: dt.datetime


class Notices(BaseModel):
    items: list[NoticeView]
