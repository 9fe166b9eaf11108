"""A government's rules of meetings (会议制度) as data: `meetings.yaml` and `topics.yaml` of an edition.

`meetings.yaml` defines for each kind its members, chair, the chain of topics and agenda, and the chain of the minutes;
`topics.yaml` the rules for topics of several kinds: gates, consultation of departments, matters reserved to some kinds.
A rule that a government doesn't have is absent and isn't applied. Pure.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from zhengling.dates.deadlines import Anchor
from zhengling.documents.minutes_template import Template
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.cadence import Cadence
from zhengling.rules.chains import Actors, Chain, StepName
from zhengling.rules.conditions import ALWAYS, Section, When
from zhengling.rules.places import (
    AGENDA,
    CHAIR,
    CONSENT,
    DOCUMENT,
    GATE,
    LEAVE,
    MEMBERS,
    MINUTES,
    ORGANISER,
    TOPIC,
    Counted,
)
from zhengling.rules.vocabulary import (
    Aspect,
    Block,
    Clause,
    Criterion,
    Gate,
    HearingForm,
    LeaveReason,
    NotePart,
    PaperKind,
    Role,
    Roles,
    RuleName,
    TopicNature,
    one_or_many,
)

KindName = RuleName
Kinds = Annotated[tuple[KindName, ...], BeforeValidator(one_or_many)]


class RequiredPaper(Section):
    """A paper that a topic needs, optionally only under some facts, and its required parts."""

    paper: PaperKind
    when: When = ALWAYS
    parts: tuple[NotePart, ...] = ()
    clause: Clause | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_paper(cls, value: object) -> object:
        return {"paper": value} if isinstance(value, str) else value


class Papers(Section):
    """The papers that a topic needs, their due date, and who may admit late ones. The due date is met by the last required
    paper, or by the topic's submission if the rule is about the request. `admit_late_clause` is the source of who admits late
    ones, if not the papers' own."""

    clause: Clause
    required: tuple[RequiredPaper, ...] = ()
    deadline: Annotated[RuleName | None, Counted(("before",), (Anchor.meeting_day,))] = None
    deadline_when: When = ALWAYS
    counted: Literal["papers", "request"] = "papers"
    admit_late: Annotated[Roles, CONSENT] = ()
    admit_late_clause: Clause | None = None

    @model_validator(mode="after")
    def _late_only_after_a_deadline(self) -> Self:
        if self.deadline is None and (ignored := {"deadline_when", "counted", "admit_late"} & self.model_fields_set):
            raise ValueError(f"without a deadline nothing is late: drop {', '.join(sorted(ignored))}")
        return self


def _fraction(value: object) -> object:
    return Fraction(value) if isinstance(value, str) else value


class Quorum(Section):
    """Members present must be more than (or at least) this fraction of those who should attend."""

    clause: Clause
    more_than: Annotated[Fraction, BeforeValidator(_fraction)] | None = None
    at_least: Annotated[Fraction, BeforeValidator(_fraction)] | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.more_than is None) == (self.at_least is None):
            raise ValueError("expected exactly one of more_than and at_least")
        if self.more_than is not None and not 0 <= self.more_than < 1:
            raise ValueError(f"more_than {self.more_than}: more than all can't be present; expected from 0 to below 1")
        if self.at_least is not None and not 0 < self.at_least <= 1:
            raise ValueError(f"at_least {self.at_least}: expected above 0, to 1")
        return self

    def needed(self, members: int) -> int:
        """The minimum number of members present, of `members` who should attend."""
        if self.more_than is not None:
            return int(members * self.more_than) + 1
        assert self.at_least is not None
        return -int(-(members * self.at_least) // 1)


class FirstTopic(Section):
    """The nature of the topic that must be first on the agenda."""

    clause: Clause
    nature: TopicNature


class Rhythm(Section):
    """A nature of topic that a kind discusses regularly: an agenda without it gets a warning that shows the last one."""

    clause: Clause
    nature: TopicNature


class PriorMeeting(Section):
    """The kind of meeting that must first have reached consensus, or a workable plan, on a topic."""

    clause: Clause
    kind: KindName
    when: When = ALWAYS


class TopicForm(Section):
    """The form signed by the principals of the sponsor and of all organisations concerned once they agree."""

    clause: Clause
    when: When = ALWAYS


class Notice(Section):
    """The time before the meeting at which agenda and papers must reach the participants."""

    clause: Clause


class Invitees(Section):
    """How the list of those invited beyond members and standing attendees is approved."""

    clause: Clause
    steps: Chain


class OutsidePortfolio(Section):
    """Who must agree to inviting principals outside the chair's portfolio, or of towns and streets."""

    clause: Clause
    consent: Annotated[Roles, CONSENT]


class Leave(Section):
    """Who grants leave: one role for leaders, another for all others; the accepted reasons, if listed. If others' leave is
    only reported, the office reports it to the named roles and nobody grants it (ST-39, HC-51)."""

    clause: Clause
    leaders: Annotated[Roles, LEAVE]
    others: Annotated[Roles, LEAVE]
    others_reported: bool = False
    reasons: tuple[LeaveReason, ...] = ()


class Delegates(Section):
    """Whose consent is needed to send a delegate; leaders have their own rules."""

    clause: Clause
    consent: Annotated[Roles, LEAVE]


class Staff(Section):
    """How many staff a sponsor may bring to its topic, and who approves more, by name."""

    clause: Clause
    per_topic: Annotated[int, Field(ge=0)]
    more_by: Annotated[Roles, CONSENT]


class Confidential(Section):
    """No phones and recorders in the room; papers marked for return are tracked until returned."""

    clause: Clause


class TopicChain(Chain):
    """The chain of a topic; `unreviewed` is the clause that keeps a topic off every agenda which no leader has seen yet,
    that is one whose chain hasn't begun."""

    unreviewed: Clause | None = None


class Minutes(Chain):
    """The chain of the minutes; `optional` if the chair decides whether there are any; `template` if this government has
    its own."""

    optional: bool = False
    template: Template | None = None

    @model_validator(mode="after")
    def _drafted_and_signed(self) -> Self:
        if self.steps[0].step != StepName.draft or self.steps[0].when:
            raise ValueError("the minutes' chain must begin with the step draft")
        if self.steps[-1].step != StepName.sign:
            raise ValueError("the minutes' chain must end with the step sign")
        return self


class Publication(Section):
    """Decisions are published promptly, unless they are secret."""

    clause: Clause


class FollowUp(Section):
    """The deadlines for filing and issuing a document that a decision requires: a row of a table, the first match applies. An
    empty list sets none."""

    clause: Clause
    when: When
    deadlines: Annotated[tuple[RuleName, ...], Counted(("within", "by"), (Anchor.meeting_closed,))]


class Competence(Section):
    """One of the main tasks of a kind (会议的主要任务); `name` is its text."""

    id: RuleName
    name: Annotated[str, Field(min_length=2, max_length=60)]


class MeetingKind(Section):
    """One kind of meeting of a government.

    `members` count for the quorum; the participants of a kind without members are named in the call. `competence` lists its
    tasks: a topic names the one it falls under. A kind without a `minutes` chain keeps no minutes; one that doesn't
    `decide` only takes note.
    """

    name: str
    clause: Clause
    members: Annotated[tuple[Role, ...], MEMBERS] = ()
    attendees: Annotated[tuple[Role, ...], MEMBERS] = ()
    competence: tuple[Competence, ...] = ()
    organiser: Annotated[Roles, ORGANISER] = (Role.office,)
    chair: Annotated[Actors, CHAIR]
    entrusted_by: Annotated[Roles, MEMBERS] = (Role.head,)
    cadence: Cadence | None = None
    quorum: Quorum | None = None
    first_topic: FirstTopic | None = None
    rhythm: Rhythm | None = None
    topic: Annotated[TopicChain, TOPIC]
    prior_meeting: Annotated[PriorMeeting | None, TOPIC] = None
    topic_form: Annotated[TopicForm | None, TOPIC] = None
    papers: Annotated[Papers | None, TOPIC] = None
    agenda: Annotated[Chain, AGENDA]
    request: RuleName | None = None
    notice: Notice | None = None
    invitees: Annotated[Invitees | None, AGENDA] = None
    outside_portfolio: OutsidePortfolio | None = None
    leave: Leave | None = None
    delegates: Delegates | None = None
    staff: Staff | None = None
    confidential: Confidential | None = None
    decides: bool = True
    minutes: Annotated[Minutes | None, MINUTES] = None
    publication: Publication | None = None
    follow_up: Annotated[tuple[FollowUp, ...], DOCUMENT] = ()

    @model_validator(mode="after")
    def _what_is_decided_is_minuted(self) -> Self:
        if self.decides and self.minutes is None:
            raise ValueError("a kind that decides needs minutes; without minutes set decides: false")
        return self

    @property
    def minutes_chain(self) -> Minutes:
        """The chain of the minutes. Refusal `no_minutes` for a kind that keeps none."""
        if self.minutes is None:
            raise refusal(
                "no_minutes",
                self.clause,
                f"{self.name} keeps no minutes",
                f"{self.name}不形成会议纪要",
                Text("no action is needed", "无需办理"),
            )
        return self.minutes


#: Who can be named as carrying out a gate's check. A clerk of the sponsor isn't among them.
CHECKERS = (Role.justice_organ, Role.office, Role.principal)


class GateRule(Section):
    """A gate: which topics must pass it, and what it blocks until then.

    `kinds` restricts it to some kinds of meeting; `carried_out_by` names who carries the check out by the clause, and so may
    record that it was passed: for what the sponsor's unit does itself, its principal. Without it only the office may, from
    the paper of whoever did. An assessment covers all `criteria`; views are heard in at least `forms` forms, among
    `form_among` if it is stated.
    """

    gate: Gate
    clause: Clause
    blocks: Block
    when: When = ALWAYS
    any_of: tuple[Aspect, ...] = ()
    kinds: Kinds = ()
    carried_out_by: Roles = ()
    criteria: tuple[Criterion, ...] = ()
    forms: Annotated[int, Field(ge=0)] = 0
    form_among: tuple[HearingForm, ...] = ()

    @model_validator(mode="after")
    def _applies_to_something(self) -> Self:
        consulted = self.gate == Gate.departments_consulted
        if consulted and self.any_of:
            raise ValueError("any_of: departments are consulted on every topic that concerns them")
        if not consulted and not self.any_of:
            raise ValueError(f"any_of: state which topics pass this gate, one or more of {', '.join(Aspect)}")
        if len(self.form_among or HearingForm) < self.forms:
            raise ValueError(f"forms: there are only {len(self.form_among or HearingForm)} to choose from")
        if unfit := [role for role in self.carried_out_by if role not in CHECKERS]:
            raise ValueError(f"carried_out_by: {', '.join(unfit)} carries out no check; known: {', '.join(CHECKERS)}")
        if self.form_among and not self.forms:
            raise ValueError("form_among: state in how many forms views are heard (forms)")
        return self


class Disagreement(Section):
    """The procedure for a topic on which departments disagree: a note, who coordinates, who decides."""

    clause: Clause
    coordinate: Roles
    decide: Roles = ()


class Consultation(Section):
    """Organisations concerned by a topic are consulted beforehand; with `asks` objections must be settled first."""

    clause: Clause
    disagreement: Disagreement | None = None


class Reserved(Section):
    """Matters that only some kinds of meeting may decide."""

    clause: Clause
    any_of: Annotated[tuple[Aspect, ...], Field(min_length=1)]
    kinds: Annotated[Kinds, Field(min_length=1)]


class FollowedExecution(Section):
    """Decisions whose execution is monitored: feedback of those concerned, evaluation, adjustment."""

    clause: Clause
    any_of: Annotated[tuple[Aspect, ...], Field(min_length=1)]


class TopicRules(Section):
    """`topics.yaml`: rules for topics of several kinds."""

    gates: Annotated[tuple[GateRule, ...], GATE] = ()
    consultation: Annotated[Consultation | None, GATE] = None
    reserved: tuple[Reserved, ...] = ()
    followed: FollowedExecution | None = None
