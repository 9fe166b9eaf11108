"""A government's rules of absence (请销假) as data: `absence.yaml` of an edition.

Who approves an absence, who is notified and how long ahead; limits on simultaneous absences; who stands in for an absent
official and on what basis; how many days a year a leader does field research. Pure.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from zhengling.dates.deadlines import Anchor
from zhengling.rules.chains import Chain, Step, StepName, by_single_roles, not_by_meetings, unconditional
from zhengling.rules.places import ABSENCE, ABSENCE_OF_A_PRINCIPAL, Counted
from zhengling.rules.vocabulary import (
    CHINESE,
    Clause,
    Role,
    Roles,
    RuleName,
    glossary,
    one_or_many,
)


class AbsenceKind(StrEnum):
    abroad = "abroad"
    official_trip = "official_trip"
    leave = "leave"
    study = "study"
    private = "private"


class Power(StrEnum):
    """The power of a stand-in: to run the business (chair, decide, endorse), or to sign."""

    preside = "preside"
    sign = "sign"


class Basis(StrEnum):
    """The basis of standing in: the rule itself, or a decision that must be recorded first."""

    rule = "rule"
    entrusted = "entrusted"
    named = "named"
    party_group = "party_group"


class Duty(StrEnum):
    """An obligation that goes with an absence beside the approval; it is tracked and blocks nothing."""

    tell_office = "tell_office"
    tell_office_director = "tell_office_director"
    tell_leaders = "tell_leaders"
    file_with_office = "file_with_office"
    file_with_party_committee = "file_with_party_committee"
    file_with_party_office = "file_with_party_office"
    file_as_prescribed = "file_as_prescribed"
    formal_procedure = "formal_procedure"
    report_back = "report_back"


class LimitName(StrEnum):
    """A limit that an absence may breach; it can be waived if the rulebook names who may do so."""

    notice = "notice"
    pair = "pair"
    at_once = "at_once"


#: The Chinese terms.
CHINESE |= glossary(
    (AbsenceKind.abroad, "出访"), (AbsenceKind.official_trip, "出差"), (AbsenceKind.leave, "休假"),
    (AbsenceKind.study, "学习"), (AbsenceKind.private, "因私外出"),
    (Duty.tell_office, "报告政府办公室"), (Duty.tell_office_director, "告知办公室主任"),
    (Duty.tell_leaders, "通报其他领导"), (Duty.file_with_office, "向政府办公室报备"),
    (Duty.file_with_party_committee, "向党委报备"), (Duty.file_with_party_office, "向党委办公室报备"),
    (Duty.file_as_prescribed, "按规定报备"), (Duty.formal_procedure, "办理请假手续"), (Duty.report_back, "销假"),
    (Basis.rule, "规则规定"), (Basis.entrusted, "受委托"), (Basis.named, "由主要负责人指定"),
    (Basis.party_group, "经党组会议研究确定"),
    (Power.preside, "主持工作"), (Power.sign, "签发"),
    (LimitName.notice, "提前请假"), (LimitName.pair, "AB角不同时外出"), (LimitName.at_once, "同时外出人数"),
)  # fmt: skip


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


ABSENCE_STEPS = (StepName.report, StepName.consent, StepName.sign)


def _asks(value: object) -> object:
    """A bare role means its consent, and a step without a name is one."""
    rows = [
        {"by": row} if isinstance(row, str) else row for row in (value if isinstance(value, list | tuple) else [value])
    ]
    return [{"step": StepName.consent.value} | row if isinstance(row, dict) else row for row in rows]


def _of_absence(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if unknown := [step.step for step in steps if step.step not in ABSENCE_STEPS]:
        raise ValueError(f"no step of an absence: {', '.join(unknown)}; known: {', '.join(ABSENCE_STEPS)}")
    return by_single_roles(unconditional(not_by_meetings(steps)))


class Notice(Section):
    """How long ahead the request must be made: a deadline rule counted back from the departure; `admit` may accept less."""

    rule: Annotated[RuleName, Counted(("before",), (Anchor.departure,))]
    admit: Roles = ()


class DutyRow(Section):
    """An obligation before the departure or after the return, and who records that it was met."""

    duty: Duty
    when: Literal["before", "after"] = "before"
    by: Roles = (Role.office,)
    clause: Clause | None = None


class RequestRow(Section):
    """The chain of an absence; the first row that matches the absent official's roles applies. Without `ask` nobody in this
    government approves it: the absence is recorded on notification."""

    clause: Clause
    who: Annotated[Roles, Field(min_length=1)]
    ask: Annotated[tuple[Step, ...], BeforeValidator(_asks), AfterValidator(_of_absence), ABSENCE_OF_A_PRINCIPAL] = ()
    notice: Notice | None = None
    duties: tuple[DutyRow, ...] = ()

    @property
    def chain(self) -> Chain:
        return Chain.of(self.clause, self.ask)


class Limit(Section):
    """Who may not be away on the same calendar day: both officials of an A/B pair, or more than `at_most` of a group. The
    roles in `lift` may waive a breach with a reason."""

    clause: Clause
    limit: Literal[LimitName.pair, LimitName.at_once]
    of: Annotated[Roles, Field(min_length=1)]
    at_most: Annotated[int, Field(ge=1)] | None = None
    lift: Roles = ()

    @model_validator(mode="after")
    def _a_number_where_it_counts(self) -> Self:
        if (self.limit == LimitName.at_once) != (self.at_most is not None):
            raise ValueError("at_most is required for the limit at_once, and only for it")
        return self


class Substitution(Section):
    """Who stands in for whom: the holders of `by`, or the A/B partner; for some kinds of absence, with some powers. All
    matching rows apply; a basis other than the rule itself must first be recorded by `recorded_by`."""

    clause: Clause
    of: Annotated[Roles, Field(min_length=1)]
    by: Roles = ()
    partner: bool = False
    kinds: Annotated[tuple[AbsenceKind, ...], Field(min_length=1), BeforeValidator(one_or_many)] = tuple(AbsenceKind)
    acts: Annotated[tuple[Power, ...], Field(min_length=1), BeforeValidator(one_or_many)] = tuple(Power)
    basis: Basis = Basis.rule
    recorded_by: Roles = ()

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        if self.partner == bool(self.by):
            raise ValueError("expected exactly one of by and partner")
        if (self.basis == Basis.rule) == bool(self.recorded_by):
            raise ValueError("recorded_by is required for a basis that must be recorded, and only for one")
        return self


class Reachable(Section):
    """An absent official stays reachable; the contact is stored with the absence."""

    clause: Clause


class Research(Section):
    """Field research (调研): the minimum number of days a year for each holder of these roles."""

    clause: Clause
    who: Annotated[Roles, Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=366)]


class Absence(Section):
    requests: Annotated[tuple[RequestRow, ...], Field(min_length=1), ABSENCE]
    limits: Annotated[tuple[Limit, ...], ABSENCE] = ()
    substitution: Annotated[tuple[Substitution, ...], ABSENCE] = ()
    reachable: Reachable | None = None
    research: Annotated[Research | None, ABSENCE] = None

    @model_validator(mode="after")
    def _a_role_asks_in_one_row(self) -> Self:
        roles = [role for row in self.requests for role in row.who]
        if twice := sorted({role for role in roles if roles.count(role) > 1}):
            raise ValueError(f"no case reaches a second row for {', '.join(twice)}")
        narrow = Role.constituent_department_principals
        for wide in (Role.department_principals, Role.unit_principals):
            if {wide, narrow} <= set(roles) and roles.index(wide) < roles.index(narrow):
                raise ValueError(f"no case reaches {narrow}: the row of {wide} before it matches them all")
        return self

    def row_of(self, role: Role) -> RequestRow | None:
        """The row for this role."""
        return next((row for row in self.requests if role in row.who), None)
