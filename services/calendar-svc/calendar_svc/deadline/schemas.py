"""Requests for deadlines, and their answers."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, StrictInt, Tag, model_validator

from zhengling.dates.deadlines import CIVIL_CODE, Amount, Anchor, DeadlineRule, FixedDay, Roll, Unit
from zhengling.dates.schemas import DueView
from zhengling.kernel.errors import Unfit
from zhengling.kernel.instants import DayOrInstant
from zhengling.kernel.payload import Repeatable

MAX_BATCH, MAX_TRACED = 100_000, 1000
LONGEST_CODE = 60


def _never_guessed(unit: object) -> object:
    if unit in ("日", "天"):
        raise Unfit(
            "日 alone is ambiguous: state day (calendar days, 自然日) or working_day (working days, 工作日)",
            "“日”含义不明确：请注明自然日或工作日",
        )
    return unit


class Period(BaseModel):
    """A period that isn't in a rulebook, counted by the Civil Code, articles 200 to 204: `within` so much after,
    `before` so much ahead of, or `by` a fixed day relative to the start."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"within": 5, "unit": "working_day", "counting": "next_day"}]}
    )
    within: Amount | None = None
    before: Amount | None = None
    by: FixedDay | None = None
    unit: Annotated[
        Unit | None,
        BeforeValidator(_never_guessed),
        Field(description="working days or calendar days; has to be stated"),
    ] = None
    counting: Annotated[
        Literal["start_day", "next_day"], Field(description="which day is the first of a period that runs forward")
    ] = "next_day"
    roll: Annotated[Roll | None, Field(description="where an end on a non-working day moves")] = None

    @model_validator(mode="after")
    def _a_rule(self) -> Self:
        self.rule()
        return self

    def rule(self) -> DeadlineRule:
        """The equivalent deadline rule."""
        given = {"within": self.within, "before": self.before, "by": self.by, "unit": self.unit, "roll": self.roll}
        return DeadlineRule.model_validate(
            {name: value for name, value in given.items() if value is not None}
            | {"clause": CIVIL_CODE, "of": Anchor.given, "count_start_day": self.counting == "start_day"}
        )


class DeadlineRequest(BaseModel):
    """A request for one due date: the rule of a government, or a period, and the start."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"government": "district", "rule": "document-issue", "from": "2026-09-30"}]},
    )
    government: Annotated[str, Field(max_length=LONGEST_CODE)]
    rule: Annotated[str | None, Field(max_length=60)] = None
    period: Period | None = None
    from_: Annotated[DayOrInstant, Field(alias="from", description="a day, or an instant with offset (RFC 3339)")]
    occurrence: Annotated[StrictInt, Field(ge=1, le=1000, description="which period of a periodic rule")] = 1

    @model_validator(mode="after")
    def _rule_or_period(self) -> Self:
        if (self.rule is None) == (self.period is None):
            raise Unfit("state either the name of a rule or a period", "请填写规则名称或期限，二者择一")
        return self


class DeadlineBatch(BaseModel):
    model_config = ConfigDict(extra="forbid")
    items: Annotated[
        list[DeadlineRequest],
        Field(min_length=1, max_length=MAX_BATCH),
        Repeatable("each is computed by itself and changes nothing"),
    ]


#: Distinguished by `items`, so that problems of a batch are reported for the batch.
Deadlines = Annotated[
    Annotated[DeadlineRequest, Tag("one")] | Annotated[DeadlineBatch, Tag("batch")],
    Discriminator(lambda body: "batch" if isinstance(body, dict) and "items" in body else "one"),
]


class DeadlineAnswers(BaseModel):
    """The answers, in the order of the request."""

    items: list[DueView]
