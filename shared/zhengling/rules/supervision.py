"""The rules of supervision (督查): the ledger's entries, their numbers and due dates, and the course of a matter from its
opening to its closing. Pure."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from zhengling.dates.deadlines import Anchor
from zhengling.rules.conditions import ALWAYS, Facts, Section, When, matches
from zhengling.rules.places import COURSE, ENTRY, INSTRUCTION, Counted
from zhengling.rules.vocabulary import CHINESE, Clause, EntrySource, InstructionKind, Role, Roles, RuleName, glossary


class DueFor(StrEnum):
    """What meets a due date of the ledger: the matter done (办结), or a result of it (有结果, ST-55)."""

    completion = "completion"
    result = "result"


class CourseAct(StrEnum):
    """What is done with a matter of the ledger between its opening and its closing."""

    open = "open"
    accept = "accept"
    refuse = "refuse"
    transfer = "transfer"
    progress = "progress"
    contribute = "contribute"
    explain = "explain"
    report = "report"
    verify = "verify"
    send_back = "send_back"
    close = "close"
    look_back = "look_back"
    reopen = "reopen"
    merge = "merge"
    separate = "separate"
    divide = "divide"
    acknowledge = "acknowledge"
    follow_up = "follow_up"
    extend = "extend"
    suspend = "suspend"
    succeed = "succeed"
    carry_over = "carry_over"


CHINESE |= glossary(
    (CourseAct.open, "立项"), (CourseAct.merge, "合并"), (CourseAct.separate, "撤销合并"), (CourseAct.divide, "分解"),
    (CourseAct.acknowledge, "领导审阅结果"), (CourseAct.follow_up, "再次批示"),
    (CourseAct.extend, "延期"), (CourseAct.suspend, "中止与恢复"), (CourseAct.succeed, "承接"),
    (CourseAct.accept, "签收"), (CourseAct.refuse, "退回改派"), (CourseAct.transfer, "改派"), (CourseAct.progress, "报告进展"),
    (CourseAct.contribute, "反馈配合情况"), (CourseAct.explain, "书面说明"), (CourseAct.report, "报告办结"),
    (CourseAct.verify, "核查"), (CourseAct.send_back, "退回重办"), (CourseAct.close, "销号"), (CourseAct.look_back, "回头看"),
    (CourseAct.reopen, "恢复督办"), (CourseAct.carry_over, "结转"),
)  # fmt: skip


class Way(StrEnum):
    """How a matter is pressed (督办方式): the rungs of the ladder, and what else the rules name."""

    remind = "remind"
    urge = "urge"
    notify = "notify"
    report = "report"
    propose = "propose"
    check = "check"
    advise = "advise"
    coordinate = "coordinate"
    list_publicly = "list_publicly"
    field_research = "field_research"
    on_site = "on_site"
    unannounced = "unannounced"
    clue_check = "clue_check"
    third_party = "third_party"


class Censure(StrEnum):
    """What is proposed against a unit that was urged repeatedly or delays for long; a person decides on it."""

    criticism = "criticism"
    circular = "circular"
    interview = "interview"


CHINESE |= glossary(
    (Way.remind, "提醒"), (Way.urge, "催办"), (Way.notify, "告知主要负责人"), (Way.report, "报告分管领导"),
    (Way.propose, "提出处理建议"), (Way.check, "检查反馈"),
    (Way.advise, "指导建议"),
    (Way.coordinate, "协调推动"), (Way.list_publicly, "挂牌督办"), (Way.field_research, "调研督查"),
    (Way.on_site, "现场督查"), (Way.unannounced, "暗访（四不两直）"), (Way.clue_check, "线索核查"),
    (Way.third_party, "第三方评估"),
    (Censure.criticism, "批评"), (Censure.circular, "通报"), (Censure.interview, "约谈"),
)  # fmt: skip
#: Ways that the ladder alone takes.
OF_THE_LADDER = frozenset({Way.remind, Way.notify, Way.report, Way.propose})


class DueRow(Section):
    """One row of the decision table for an entry's due date (the first match applies). Without a `rule` the roles in the
    ledger's `set_by` set the date."""

    clause: Clause
    when: When = ALWAYS
    rule: Annotated[RuleName | None, Counted(("within", "by"), (Anchor.deployment, Anchor.assignment))] = None
    met_by: DueFor = DueFor.completion


class DueByRule(NamedTuple):
    """The rule of a due date, the clause of the row that names it, and what is due by it."""

    rule: str
    clause: str
    met_by: DueFor = DueFor.completion


class Deployment(Section):
    """The day on which a matter counts as deployed (部署), by its source: a meeting's decision on the day of the meeting, or
    on the day on which its minutes are signed."""

    clause: Clause
    meeting_decision: Literal[Anchor.meeting_day, Anchor.minutes_signed]


class Ledger(Section):
    """Entries of the supervision ledger: clause, number format, due dates. `deployment` is where rules of deployment start.
    `number_clause` and `set_by_clause` are the sources of the number's style and of who sets dates, if not the ledger's own."""

    clause: Clause
    number: Annotated[str, Field(pattern=r"\{year\}.*\{n\}", description="e.g. 双政督〔{year}〕{n}号")]
    deployment: Deployment | None = None
    number_clause: Clause | None = None
    due: Annotated[tuple[DueRow, ...], ENTRY] = ()
    set_by: Annotated[Roles, ENTRY] = (Role.office,)
    set_by_clause: Clause | None = None

    def due_row(self, facts: Facts) -> DueByRule | None:
        """The rule of an entry's due date; None where the date has to be set."""
        row = next((row for row in self.due if matches(row.when, facts)), None)
        return DueByRule(row.rule, row.clause, row.met_by) if row and row.rule else None

    @property
    def year_rules(self) -> frozenset[str]:
        """The rules by which matters set at the year's start are cleared by its end (ST-55)."""
        return frozenset(row.rule for row in self.due if row.rule and row.when.get("set_at_year_start") is True)


class Weight(Section):
    """One row of the table of weights (the first match applies)."""

    when: When = ALWAYS
    weight: Annotated[int, Field(ge=1, le=100)]


class Weights(Section):
    """How much matters weigh (权重), by the facts of the table of due dates; 1 where no row applies."""

    clause: Clause
    rows: Annotated[tuple[Weight, ...], Field(min_length=1), ENTRY]

    def of(self, facts: Facts) -> int:
        return next((row.weight for row in self.rows if matches(row.when, facts)), 1)


class Right(Section):
    """Who may do an act of the course, by which clause. `rule` is a deadline's: until when a matter may be refused, how often
    progress is reported after an explanation, and when (or how often) a closed matter is looked back at. `approval`: who has to
    have approved that a matter is opened by hand, or that its date is extended."""

    clause: Clause
    by: Roles
    approval: Roles = ()
    rule: Annotated[
        RuleName | None, Counted(("within", "every"), (Anchor.assignment, Anchor.explanation, Anchor.closing))
    ] = None


#: What is done by another service's event, so that nobody has a right to it here.
OF_EVENTS = frozenset({CourseAct.follow_up})
#: The acts that may need an approval.
_APPROVED = (CourseAct.open, CourseAct.extend)
#: The acts whose right may name a deadline.
_TIMED = (CourseAct.refuse, CourseAct.explain, CourseAct.look_back)


class FeedbackRow(Section):
    """One row of the decision table for the feedback on an instruction (the first match applies): within a time, or again and
    again, from the instruction or from its receipt by the unit."""

    clause: Clause
    when: When = ALWAYS
    rule: Annotated[RuleName, Counted(("within", "every"), (Anchor.instruction, Anchor.receipt))]


class Instructions(Section):
    """What is asked of a matter that a leader's instruction opened (批示): `fetch` is until when the unit fetches it, from the
    office's notice; `feedback` until when it answers, beside the date by which the matter is done."""

    fetch: Annotated[RuleName | None, Counted(("within",), (Anchor.office_notice,))] = None
    feedback: tuple[FeedbackRow, ...] = ()

    def feedback_row(self, kind: InstructionKind) -> FeedbackRow | None:
        return next((row for row in self.feedback if matches(row.when, {"instruction": kind})), None)


class Lights(Section):
    """When a matter counts as due soon and as long overdue: working days before and after its due date."""

    clause: Clause
    due_soon: Annotated[int, Field(ge=1, le=60)]
    long_overdue: Annotated[int, Field(ge=1, le=250)]


class Overlap(Section):
    """When an open matter of the same lead counts as similar to a new one: from this similarity of their texts, in percent."""

    clause: Clause
    similar: Annotated[int, Field(ge=50, le=100)]


class Category(Section):
    """A focus category of supervision (督查重点). Entries from these sources have it by themselves."""

    code: RuleName
    name: Annotated[str, Field(min_length=2, max_length=60)]
    sources: tuple[EntrySource, ...] = ()


class Focus(Section):
    clause: Clause
    categories: Annotated[tuple[Category, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        sources = [source for each in self.categories for source in each.sources]
        for what, named in (("category", [each.code for each in self.categories]), ("source", sources)):
            if len(set(named)) != len(named):
                raise ValueError(f"the same {what} occurs twice")
        return self

    def of(self, source: EntrySource) -> str | None:
        """The code of the category that an entry from this source has by itself; None if it has to be stated."""
        return next((each.code for each in self.categories if source in each.sources), None)


class Rung(Section):
    """One rung of the ladder: what is done on the n-th working day before (`days` < 0) or after the governing due date. It
    goes to the holders of these roles; without `to` to whoever handles the matter, and a proposal to who decides on it."""

    act: Literal[Way.remind, Way.urge, Way.notify, Way.report, Way.propose]
    days: Annotated[int, Field(ge=-60, le=250)]
    to: Roles = ()


class Ways(Section):
    """The ways of supervision that the rules name, and who takes them."""

    clause: Clause
    by: Roles
    among: Annotated[tuple[Way, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _urging_among_them(self) -> Self:
        if Way.urge not in self.among:
            raise ValueError("among: urge is a way everywhere; add it")
        if taken := OF_THE_LADDER & set(self.among):
            raise ValueError(f"among: {', '.join(sorted(taken))} is a rung of the ladder, nobody takes it by hand")
        if len(set(self.among)) != len(self.among):
            raise ValueError("among: the same way occurs twice")
        return self


class Proposals(Section):
    """After so many urgings, or on the ladder's rung, one of these is proposed against the unit; by whom it is decided."""

    clause: Clause
    urgings: Annotated[int, Field(ge=2, le=20)]
    among: Annotated[tuple[Censure, ...], Field(min_length=1)]
    by: Roles


class Notices(Section):
    """Notices of supervision (督办通知): how they are numbered, who drafts and who signs them, and the limit of the return slip
    (回执). `number_clause` is the source of the number's style, if not the section's own."""

    clause: Clause
    number: Annotated[str, Field(pattern=r"\{year\}.*\{n\}", description="e.g. 双政督通〔{year}〕{n}号")]
    number_clause: Clause | None = None
    by: Roles
    signed_by: Roles
    slip: Annotated[RuleName, Counted(("within",), (Anchor.supervision_notice,))]


class Pressure(Section):
    """The pressure on a matter: the ladder, whose rungs come at this hour of their day, ways of supervision, notices,
    proposals."""

    clause: Clause
    hour: Annotated[int, Field(ge=0, le=23)]
    ladder: tuple[Rung, ...]
    ways: Ways
    notices: Notices
    proposals: Proposals

    @model_validator(mode="after")
    def _upwards(self) -> Self:
        days = [rung.days for rung in self.ladder]
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError("ladder: each rung is on a later day than the one before")
        if unled := [rung.act for rung in self.ladder if rung.act in (Way.notify, Way.report) and not rung.to]:
            raise ValueError(f"ladder: nobody gets {', '.join(unled)}; state to")
        return self


class Supervision(Section):
    """Without `course` a matter is only recorded and marked overdue; without `lights`, `focus` or `pressure` it has none, and
    without `weights` each weighs 1."""

    ledger: Ledger
    course: Annotated[dict[CourseAct, Right] | None, COURSE] = None
    instructions: Annotated[Instructions | None, INSTRUCTION] = None
    lights: Lights | None = None
    focus: Focus | None = None
    overlap: Overlap | None = None
    weights: Weights | None = None
    pressure: Annotated[Pressure | None, COURSE] = None

    def weight_of(self, facts: Facts) -> int:
        return self.weights.of(facts) if self.weights else 1

    @model_validator(mode="after")
    def _whole_course(self) -> Self:
        if self.course is None:
            return self
        if missing := [act for act in CourseAct if act not in {*self.course, *OF_EVENTS}]:
            raise ValueError(f"course: nobody may {', '.join(missing)}; state who, for each act")
        if untimed := [act for act, right in self.course.items() if right.rule and act not in _TIMED]:
            raise ValueError(f"course: no deadline is known for {', '.join(untimed)}; drop rule")
        if asked := [act for act, right in self.course.items() if right.approval and act not in _APPROVED]:
            raise ValueError(f"course: approval is only for {' and '.join(_APPROVED)}, not for {', '.join(asked)}")
        return self
