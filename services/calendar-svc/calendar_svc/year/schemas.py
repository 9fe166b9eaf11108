"""What calendar-svc's API takes and gives."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, StrictInt, Tag, model_validator

from calendar_svc.year.year import Arrangement
from zhengling.dates.deadlines import (
    CIVIL_CODE,
    Amount,
    Anchor,
    DeadlineRule,
    FixedDay,
    Roll,
    Unit,
)
from zhengling.dates.workdays import CalendarYear, DayKind, DayStatus, Notice
from zhengling.kernel.errors import Unfit
from zhengling.kernel.instants import Day, DayOrInstant, Instant
from zhengling.kernel.payload import SAYING, Payload
from zhengling.replicas.due_dates import DueView

MAX_BATCH, MAX_TRACED = 100_000, 1000


def _never_guessed(unit: object) -> object:
    if unit in ("日", "天"):
        raise Unfit(
            "日 alone is never guessed: give day (calendar days, 自然日) or working_day (working days, 工作日)",
            "“日”不作猜测：请填写 day（自然日）或 working_day（工作日）",
        )
    return unit


class Period(BaseModel):
    """A period that no rulebook names, counted by the Civil Code, articles 200 to 204: `within` so much after, `before` so
    much ahead of, or `by` a fixed day seen from the start."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"within": 5, "unit": "working_day", "counting": "next_day"}]}
    )
    within: Amount | None = None
    before: Amount | None = None
    by: FixedDay | None = None
    unit: Annotated[
        Unit | None, BeforeValidator(_never_guessed), Field(description="working days or calendar days: never guessed")
    ] = None
    counting: Annotated[
        Literal["start_day", "next_day"], Field(description="which day is the first of a period that runs forward")
    ] = "next_day"
    roll: Annotated[Roll | None, Field(description="where an end moves that is no working day")] = None

    @model_validator(mode="after")
    def _a_rule(self) -> Self:
        self.rule()
        return self

    def rule(self) -> DeadlineRule:
        """The deadline rule that this comes down to."""
        given = {"within": self.within, "before": self.before, "by": self.by, "unit": self.unit, "roll": self.roll}
        return DeadlineRule.model_validate(
            {name: value for name, value in given.items() if value is not None}
            | {"clause": CIVIL_CODE, "of": Anchor.given, "count_start_day": self.counting == "start_day"}
        )


class DeadlineRequest(BaseModel):
    """One due date asked for: by which rule of which government or by which period, counted from when."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"government": "district", "rule": "document-issue", "from": "2026-09-30"}]},
    )
    government: Annotated[str, Field(max_length=60)]
    rule: Annotated[str | None, Field(max_length=60)] = None
    period: Period | None = None
    from_: Annotated[DayOrInstant, Field(alias="from", description="a day, or an instant with offset (RFC 3339)")]
    occurrence: Annotated[StrictInt, Field(ge=1, le=1000, description="which period of a rule that repeats")] = 1

    @model_validator(mode="after")
    def _rule_or_period(self) -> Self:
        if (self.rule is None) == (self.period is None):
            raise Unfit("give the name of a rule, or a period; one of the two", "请填写规则名称或期限，二者择一")
        return self


class DeadlineBatch(BaseModel):
    model_config = ConfigDict(extra="forbid")
    items: Annotated[list[DeadlineRequest], Field(min_length=1, max_length=MAX_BATCH)]


#: Told apart by `items`, so that what is wrong with a batch is said of the batch.
Deadlines = Annotated[
    Annotated[DeadlineRequest, Tag("one")] | Annotated[DeadlineBatch, Tag("batch")],
    Discriminator(lambda body: "batch" if isinstance(body, dict) and "items" in body else "one"),
]


class DeadlineAnswers(BaseModel):
    """The answers, in the order of the request."""

    items: list[DueView]


class DayView(BaseModel):
    """What one day is for a government, why, and what that rests on. `name` is Chinese."""

    date: dt.date
    worked: bool
    kind: DayKind
    name: str
    status: DayStatus
    notice: Notice | None
    swapped_with: dt.date | None


class DaysView(BaseModel):
    government: str
    calendar_version: str
    days: list[DayView]


class YearView(BaseModel):
    """One year of the caller's government: only days that differ from plain weekdays and weekends are listed."""

    government: str
    calendar_version: str
    year: CalendarYear


class CalendarView(BaseModel):
    """The whole calendar of the caller's government, for those who keep a copy: every year as in `YearView`."""

    government: str
    calendar_version: str
    first: dt.date
    last: dt.date
    years: list[CalendarYear]


class VersionView(BaseModel):
    """One version of a year: of the country (`*`) or what a government adds to it; what made it, when, and by whom."""

    model_config = ConfigDict(from_attributes=True)
    government: str
    year: int
    version: int
    cause: Literal["base", "notice", "closure", "lift"]
    why_en: str
    why_zh: str
    recorded_at: dt.datetime
    recorded_by: str


class Versions(BaseModel):
    items: list[VersionView]


# Changes ------------------------------------------------------------------------------------------------------------


class HolidayArrangement(Payload):
    """One holiday as the notice states it: days off from the first to the last, and the weekend days worked for it."""

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=SAYING)]
    first: Day
    last: Day
    work_on: Annotated[list[Day], Field(default_factory=list, max_length=10)]
    granted: Annotated[
        list[Day],
        Field(
            default_factory=list,
            max_length=20,
            description="days off beyond the statutory ones that nobody works for",
        ),
    ]

    def arrangement(self) -> Arrangement:
        return Arrangement(self.name, self.first, self.last, tuple(self.work_on), tuple(self.granted))


class NoticeRequest(Payload):
    """A year's holiday notice of the State Council as it is printed, or one that amends it."""

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
    holidays: Annotated[list[HolidayArrangement], Field(min_length=1, max_length=20)]

    def notice(self) -> Notice:
        return Notice(issuer=self.issuer, number=self.number, date=self.date, year=self.year)


class NoticeView(BaseModel):
    """A notice that was entered here, as it was stated."""

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


class ClosureRequest(Payload):
    """Offices of one government close on these days: why, on whose order, by which document."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"first": "2026-08-13", "last": "2026-08-14", "reason": "防御台风停止办公", "ordered_by": "区防汛抗旱指挥部",
                 "document": "区防指〔2026〕5号"}
            ]
        },
    )  # fmt: skip
    first: Day
    last: Day
    reason: Annotated[str, Field(min_length=2, max_length=100, pattern=SAYING)]
    ordered_by: Annotated[str, Field(min_length=2, max_length=60, pattern=SAYING)]
    document: Annotated[str, Field(min_length=2, max_length=60, pattern=SAYING)]
    occurred_at: Instant | None = None


class LiftRequest(Payload):
    """Offices open again from this day on."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"from": "2026-08-14", "reason": "台风提前过境"}]}
    )
    from_: Annotated[Day, Field(alias="from")]
    reason: Annotated[str, Field(min_length=2, max_length=100, pattern=SAYING)]


class ClosureView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: str
    version: int
    first_day: dt.date
    last_day: dt.date
    reason: str
    ordered_by: str
    document: str
    entered_by: str
    lifted_from: dt.date | None
    lift_reason: str | None
    modified_at: dt.datetime
