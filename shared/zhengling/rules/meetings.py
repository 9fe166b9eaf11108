"""A government's rules of meetings (会议制度) as data: `meetings.yaml` and `topics.yaml` of an edition.

`meetings.yaml` says of each kind who belongs to it, who chairs, how a topic reaches its agenda and how its minutes are
signed; `topics.yaml` what holds for topics of several kinds: the gates they pass, the departments to be consulted, the
matters that only some kinds may decide. What a government doesn't regulate is absent and isn't asked. Pure.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from zhengling.documents.minutes_template import Template
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.cadence import Cadence
from zhengling.rules.chains import Actors, Chain, StepName
from zhengling.rules.conditions import ALWAYS, Section, When
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
    """A paper that a topic needs, perhaps only under some facts, and the parts it has to have."""

    paper: PaperKind
    when: When = ALWAYS
    parts: tuple[NotePart, ...] = ()
    clause: Clause | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_paper(cls, value: object) -> object:
        return {"paper": value} if isinstance(value, str) else value


class Papers(Section):
    """Which papers a topic needs, when they have to be in, and who may admit late ones. The time is met by the last paper
    that counts, or, where it is a request that has to be in, by the topic's submission."""

    clause: Clause
    required: tuple[RequiredPaper, ...] = ()
    deadline: RuleName | None = None
    deadline_when: When = ALWAYS
    counted: Literal["papers", "request"] = "papers"
    admit_late: Roles = ()


def _fraction(value: object) -> object:
    return Fraction(value) if isinstance(value, str) else value


class Quorum(Section):
    """Present members must be more than (or at least) this fraction of those who should attend."""

    clause: Clause
    more_than: Annotated[Fraction, BeforeValidator(_fraction)] | None = None
    at_least: Annotated[Fraction, BeforeValidator(_fraction)] | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.more_than is None) == (self.at_least is None):
            raise ValueError("expected exactly one of more_than and at_least")
        return self

    def needed(self, members: int) -> int:
        """The smallest number of present members that meets the quorum among `members` who should attend."""
        if self.more_than is not None:
            return int(members * self.more_than) + 1
        assert self.at_least is not None
        return -int(-(members * self.at_least) // 1)


class FirstTopic(Section):
    """The nature of the topic that has to stand first on the agenda."""

    clause: Clause
    nature: TopicNature


class Rhythm(Section):
    """A nature of topic that a kind takes up from time to time: an agenda without it warns, the last one is shown."""

    clause: Clause
    nature: TopicNature


class PriorMeeting(Section):
    """The kind of meeting that has to have reached consensus, or a workable plan, on a topic before."""

    clause: Clause
    kind: KindName
    when: When = ALWAYS


class TopicForm(Section):
    """The form that the principals of the sponsor and of everybody concerned sign once they agree."""

    clause: Clause
    when: When = ALWAYS


class Notice(Section):
    """The agenda and the papers reach whoever takes part before the meeting."""

    clause: Clause


class Invitees(Section):
    """How the list of those invited beyond members and standing attendees is approved."""

    clause: Clause
    steps: Chain


class OutsidePortfolio(Section):
    """Who has to agree to principals being invited whom the chair isn't in charge of, or of towns and streets."""

    clause: Clause
    consent: Roles


class Leave(Section):
    """Whom somebody asks who can't come: leaders one, all others another; the reasons that count, where they are listed.
    Where leave of others is only reported, the office reports it to them, and nobody grants it (ST-39, HC-51)."""

    clause: Clause
    leaders: Roles
    others: Roles
    others_reported: bool = False
    reasons: tuple[LeaveReason, ...] = ()


class Delegates(Section):
    """Whose consent it takes that somebody sends another in their place; leaders have their own rules."""

    clause: Clause
    consent: Roles


class Staff(Section):
    """How many staff a sponsor brings to its topic, and who approves more, by name."""

    clause: Clause
    per_topic: Annotated[int, Field(ge=0)]
    more_by: Roles


class Confidential(Section):
    """No phones and recorders in the room; papers marked for return are tracked until they are back."""

    clause: Clause


class Minutes(Chain):
    """The chain of the minutes; `optional` where the chair decides whether there are any; `template` where this
    government has one of its own."""

    optional: bool = False
    template: Template | None = None

    @model_validator(mode="after")
    def _drafted_and_signed(self) -> Self:
        if self.steps[0].step != StepName.draft or self.steps[0].when:
            raise ValueError("the minutes' chain has to begin with the step draft")
        if self.steps[-1].step != StepName.sign:
            raise ValueError("the minutes' chain has to end with the step sign")
        return self


class Publication(Section):
    """What the meeting decided is published promptly, unless it is secret."""

    clause: Clause


class FollowUp(Section):
    """When a decision asks for a document: the deadlines under which it is filed and issued."""

    clause: Clause
    when: When
    deadlines: Annotated[tuple[RuleName, ...], Field(min_length=1)]


class Competence(Section):
    """One of the main tasks of a kind (会议的主要任务); `name` is what clerks read."""

    id: RuleName
    name: Annotated[str, Field(min_length=2, max_length=60)]


class MeetingKind(Section):
    """One kind of meeting of a government.

    `members` count for the quorum; a kind without any is attended by whoever is named when it is called. `competence`
    is what it is there for: a topic names which of its tasks it falls under. A kind without a `minutes` chain keeps
    none, one that doesn't `decide` only takes note.
    """

    name: str
    clause: Clause
    members: tuple[Role, ...] = ()
    attendees: tuple[Role, ...] = ()
    competence: tuple[Competence, ...] = ()
    organiser: Roles = (Role.office,)
    chair: Actors
    entrusted_by: Roles = (Role.head,)
    cadence: Cadence | None = None
    quorum: Quorum | None = None
    first_topic: FirstTopic | None = None
    rhythm: Rhythm | None = None
    topic: Chain
    prior_meeting: PriorMeeting | None = None
    topic_form: TopicForm | None = None
    papers: Papers | None = None
    agenda: Chain
    request: RuleName | None = None
    notice: Notice | None = None
    invitees: Invitees | None = None
    outside_portfolio: OutsidePortfolio | None = None
    leave: Leave | None = None
    delegates: Delegates | None = None
    staff: Staff | None = None
    confidential: Confidential | None = None
    decides: bool = True
    minutes: Minutes | None = None
    publication: Publication | None = None
    follow_up: tuple[FollowUp, ...] = ()

    @model_validator(mode="after")
    def _what_is_decided_is_minuted(self) -> Self:
        if self.decides and self.minutes is None:
            raise ValueError("a kind that decides has minutes; without any it says decides: false")
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
                Text("nothing is asked for", "无需办理"),
            )
        return self.minutes


class GateRule(Section):
    """A gate: which topics have to pass it, and what they may not do before.

    `kinds` limits it to some kinds of meeting; `declared_by` makes it a check that a named person declares; an
    assessment covers all `criteria`, views are heard in at least so many `forms`, of which `form` is one.
    """

    gate: Gate
    clause: Clause
    blocks: Block
    when: When = ALWAYS
    any_of: tuple[Aspect, ...] = ()
    kinds: Kinds = ()
    declared_by: Roles = ()
    criteria: tuple[Criterion, ...] = ()
    forms: Annotated[int, Field(ge=0)] = 0
    form_among: tuple[HearingForm, ...] = ()


class Disagreement(Section):
    """What happens with a topic on which departments don't agree: a note, somebody who coordinates, who decides."""

    clause: Clause
    coordinate: Roles
    decide: Roles = ()


class Consultation(Section):
    """Whoever a topic concerns is asked beforehand; `asks` says that objections have to be settled first."""

    clause: Clause
    disagreement: Disagreement | None = None


class Reserved(Section):
    """Matters that only some kinds of meeting may decide."""

    clause: Clause
    any_of: Annotated[tuple[Aspect, ...], Field(min_length=1)]
    kinds: Annotated[Kinds, Field(min_length=1)]


class FollowedExecution(Section):
    """Decisions whose execution is followed: feedback of those concerned, evaluation, adjustment."""

    clause: Clause
    any_of: Annotated[tuple[Aspect, ...], Field(min_length=1)]


class TopicRules(Section):
    """`topics.yaml`: what holds for topics of several kinds."""

    gates: tuple[GateRule, ...] = ()
    consultation: Consultation | None = None
    reserved: tuple[Reserved, ...] = ()
    followed: FollowedExecution | None = None
