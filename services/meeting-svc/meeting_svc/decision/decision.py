"""A decision (决定事项) on one topic: its status, publication, execution and revisions.

Invariants: a decision of signed minutes changes only by a signed correction; each change increments its revision and is
kept with its reason; a revoked decision stays revoked. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from zhengling.events.meeting import Resolution, ResolutionChange, Unit
from zhengling.events.reference import Reference
from zhengling.kernel.bounds import Bound, appended
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.meetings import Publication as PublicationRule
from zhengling.rules.vocabulary import FollowingDocument, Outcome


class Standing(StrEnum):
    """The status of a decision: recorded, or withdrawn in the session; in signed minutes; then according to oversight's
    events. `amended` until the ledger has followed the amendment."""

    recorded = "recorded"
    withdrawn = "withdrawn"
    adopted = "adopted"
    in_ledger = "in_ledger"
    overdue = "overdue"
    amended = "amended"
    closed = "closed"
    revoked = "revoked"


NOT_IN_FORCE = (Standing.recorded, Standing.withdrawn, Standing.revoked)


class PublicationState(StrEnum):
    """The publication of a decision: outstanding until it is published, or withheld with a reason."""

    not_asked = "not_asked"
    outstanding = "outstanding"
    published = "published"
    withheld = "withheld"


class ExecutionKind(StrEnum):
    """What the follow-up of a major decision's execution records."""

    feedback = "feedback"
    evaluation = "evaluation"
    adjustment = "adjustment"


@dataclass(frozen=True)
class PublicationRecord:
    """The publication, with place and time, or the withholding, with its reason; and who recorded it. `correction`
    states what was wrong in the earlier record."""

    state: PublicationState
    by: str
    recorded_at: datetime
    published_at: datetime | None = None
    channel: str = ""
    url: str | None = None
    reason: str = ""
    correction: str = ""


@dataclass(frozen=True)
class Execution:
    """Feedback of those concerned, an evaluation, or an adjustment."""

    kind: ExecutionKind
    text: str
    source: str
    by: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Amendment:
    """The correction of one decision: a new resolution, or None for a revocation."""

    before: Resolution
    after: Resolution
    revoked: bool = False

    @property
    def decision_id(self) -> str:
        return self.before.decision_id

    @property
    def effect(self) -> Effect:
        """The effect of the amendment: a decision no longer adopted is revoked, one newly adopted is adopted."""
        if self.revoked or (self.before.outcome.adopts and not self.after.outcome.adopts):
            return Effect.revoked
        if not self.before.outcome.adopts:
            return Effect.adopted if self.after.outcome.adopts else Effect.noted
        return Effect.amended

    @property
    def changes(self) -> tuple[ResolutionChange, ...]:
        return changes(self.before, self.after)


class Effect(StrEnum):
    """The effect of a signed correction on a decision; `noted` changes a decision that was never in force."""

    amended = "amended"
    revoked = "revoked"
    adopted = "adopted"
    noted = "noted"


@dataclass(frozen=True)
class Revision:
    """A change of the signed decision: the version of the minutes that made it, the reason, and the earlier
    resolution."""

    minutes_version: int
    effect: Effect
    reason: str
    changes: tuple[ResolutionChange, ...]
    signed_by: str
    signed_at: datetime


@dataclass
class Decision:
    """A meeting's decision on one topic; after the signature it changes only by a signed correction. `quorum_clause` is
    the clause of the quorum that was lost when the topic was deferred: no other decision was possible then. `entry` and
    `document` are what followed from it in the ledger and in docflow-svc, once their events have arrived."""

    id: str
    government: str
    meeting_id: str
    topic_id: str
    resolution: Resolution
    standing: Standing = Standing.recorded
    signed_at: datetime | None = None
    quorum_clause: str | None = None
    revision: int = 1
    revisions: list[Revision] = field(default_factory=list)
    publication: PublicationState = PublicationState.not_asked
    publication_clause: str | None = None
    publication_record: PublicationRecord | None = None
    earlier_publications: list[PublicationRecord] = field(default_factory=list)
    followed_clause: str | None = None
    executions: list[Execution] = field(default_factory=list)
    ledger_number: str | None = None
    ledger_due: date | None = None
    ledger_state: str | None = None
    ledger_lead: Unit | None = None
    entry: Reference | None = None
    document: Reference | None = None
    version: int = 1
    modified_at: datetime | None = None


#: The fields of a resolution that a correction may change; the others identify the decision.
AMENDABLE = (
    "outcome",
    "task",
    "lead",
    "co_units",
    "due",
    "difficulty",
    "document",
    "document_kind",
    "in_name_of",
    "may_be_published",
    "set_at_year_start",
)


def changes(before: Resolution, after: Resolution) -> tuple[ResolutionChange, ...]:
    """The differences between two resolutions, field by field."""
    return tuple(
        ResolutionChange(field=name, before=_in_words(getattr(before, name)), after=_in_words(getattr(after, name)))
        for name in AMENDABLE
        if getattr(before, name) != getattr(after, name)
    )


def _in_words(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        return "、".join(unit.name for unit in value)
    return str(getattr(value, "name", value)) if not isinstance(value, StrEnum) else value.value


def amendment(decision: Decision, after: Resolution | None) -> Amendment:
    """The change of one decision, or its revocation if `after` is None. Refusals: `decision_revoked`,
    `nothing_to_revoke`, `lead_twice`, `quorum_lost`, `published_already`, `nothing_changes`."""
    before = decision.resolution
    if decision.standing == Standing.revoked:
        raise refusal(
            "decision_revoked",
            None,
            f"decision {before.number} is already revoked",
            f"第{before.number}项决定已撤销",
            Text("submit the topic to a meeting again", "请另行提交会议决定"),
        )
    if after is None:
        if not before.outcome.adopts:
            raise refusal(
                "nothing_to_revoke",
                None,
                f"decision {before.number} was never in force (outcome {before.outcome})",
                f"第{before.number}项未形成生效的决定，无从撤销",
                Text("amend it, if it is wrong", "如记录有误，请予更正"),
            )
        return Amendment(before, before, revoked=True)
    require_one_lead(after)
    require_complete(after)
    require_quorum(after, decision.quorum_clause)
    require_stays_public(decision, after)
    if after == before:
        raise refusal(
            "nothing_changes",
            None,
            f"the correction leaves decision {before.number} unchanged",
            f"第{before.number}项决定没有变化",
            Text("state what changes, or omit this decision", "请填写更正内容，或不列此项"),
        )
    return Amendment(before, after)


def require_quorum(after: Resolution, quorum_clause: str | None) -> None:
    """Refusal `quorum_lost`: a topic deferred for lack of the quorum, under this clause, can't be decided by another
    record or a correction (HC-43)."""
    if quorum_clause and after.outcome != Outcome.deferred:
        raise refusal(
            "quorum_lost",
            quorum_clause,
            f"topic {after.number} was deferred without a quorum; the session can't decide otherwise on it",
            f"第{after.number}项议题暂缓时到会人数不足法定人数，会议不得就其作出其他决定",
            Text("bring the topic to a later meeting", "请将该议题提交以后的会议"),
        )


def require_stays_public(decision: Decision, after: Resolution) -> None:
    """Refusal `published_already` where a correction would withhold a published decision."""
    if decision.publication == PublicationState.published and not after.may_be_published:
        raise refusal(
            "published_already",
            decision.publication_clause,
            f"decision {after.number} is already published and can't be withheld",
            f"第{after.number}项决定已经公开，不得再更正为不予公开",
            Text("keep may_be_published, or revoke the decision", "请保留公开属性；确需撤回的，请撤销该决定"),
        )


def require_one_lead(resolution: Resolution) -> None:
    """Refusal `lead_twice`: a decision names exactly one lead unit, and it isn't a co-unit as well."""
    if resolution.lead and resolution.lead.code in {unit.code for unit in resolution.co_units}:
        raise refusal(
            "lead_twice",
            None,
            f"{resolution.lead.name} is both lead and co-unit",
            f"{resolution.lead.name}不得同时列为牵头单位和配合单位",
            Text("name exactly one lead unit", "请只列一个牵头单位"),
        )


def require_complete(resolution: Resolution) -> None:
    """Refusals `decision_incomplete`: an adopted decision states the task and the lead unit; `no_document_to_issue`: only a
    decision that has a document issued states its kind and in whose name."""
    if resolution.document == FollowingDocument.none and (resolution.document_kind or resolution.in_name_of):
        raise refusal(
            "no_document_to_issue",
            None,
            f"decision {resolution.number} describes a document, but none is to be issued",
            f"第{resolution.number}项决定填写了文种或发文名义，但未确定印发文件",
            Text(
                "state that a document is to be issued (document), or leave out document_kind and in_name_of",
                "请注明须印发文件，或不填文种和发文名义",
            ),
        )
    if resolution.outcome.adopts and not (resolution.task and resolution.lead):
        raise refusal(
            "decision_incomplete",
            None,
            f"decision {resolution.number} is adopted but lacks a task or a lead unit",
            f"第{resolution.number}项决定已通过，但缺少任务内容或牵头单位",
            Text("state the task and the lead unit (task, lead)", "请填写任务内容和牵头单位"),
        )


def adopt(decision: Decision, rule: PublicationRule | None, signed_at: datetime) -> bool:
    """Apply the signature: adopt the decision, with publication outstanding where the rules require it. False if it
    wasn't adopted."""
    decision.signed_at = signed_at
    if not decision.resolution.outcome.adopts:
        return False
    decision.standing = Standing.adopted
    if rule:
        decision.publication, decision.publication_clause = PublicationState.outstanding, rule.clause
    return True


def adopted_in_order(decisions: Iterable[Decision], year: int) -> tuple[str, ...]:
    """The ids of the decisions that were adopted in that year, revoked ones included: by the time of the signature that
    adopted them, then by the agenda."""
    ever = [
        each for each in decisions if each.standing not in (Standing.recorded, Standing.withdrawn) and each.signed_at
    ]
    ever.sort(key=lambda each: (each.signed_at, each.resolution.number))
    return tuple(each.id for each in ever if each.signed_at and shanghai_day(each.signed_at).year == year)


def correct(decision: Decision, made: Amendment, rule: PublicationRule | None, revision: Revision) -> None:
    """Apply the signature of a correction. A decision published with an earlier text has to be published again (HC-30).
    Refusal `published_already`."""
    require_stays_public(decision, made.after)
    decision.resolution = made.after
    decision.revision += 1
    decision.revisions = [*decision.revisions, revision]
    match made.effect:
        case Effect.adopted:
            adopt(decision, rule, revision.signed_at)
        case Effect.amended:
            decision.standing = Standing.amended
            if decision.publication == PublicationState.published:
                decision.publication = PublicationState.outstanding
        case Effect.revoked:
            decision.standing = Standing.revoked
            if decision.publication == PublicationState.outstanding:
                decision.publication = PublicationState.not_asked


def require_in_force(decision: Decision, act: Text, clause: str | None) -> None:
    """Refusal `not_in_force` unless the decision was adopted and isn't revoked."""
    if decision.standing in NOT_IN_FORCE:
        raise refusal(
            "not_in_force",
            clause,
            f"the decision is in state {decision.standing}; only a decision in force can be {act.en}",
            f"该决定{'已撤销' if decision.standing == Standing.revoked else '尚未生效'}，不得{act.zh}",
            Text("choose a decision in force", "仅限生效的决定"),
        )


def publish(decision: Decision, record: PublicationRecord) -> None:
    """Record that the decision was published, or is withheld; earlier records are kept. Refusals:
    `publication_not_asked`, `published_already`, `not_for_the_public`, `published_before_signature`, `not_in_force`."""
    clause = decision.publication_clause
    require_in_force(decision, Text("published", "公开"), clause)
    if decision.publication == PublicationState.not_asked:
        raise refusal(
            "publication_not_asked",
            clause,
            "the rules don't require the publication of this meeting's decisions",
            "规则未要求公开此类会议的决定事项",
            Text("no record is necessary", "无需办理"),
        )
    if decision.publication == PublicationState.published and not record.correction:
        raise refusal(
            "published_already",
            clause,
            "the decision is already published",
            "该决定已经公开",
            Text(
                "no further record is necessary; if the record is wrong, state what was wrong (correction)",
                "无需再办理；如登记有误，请说明更正理由",
            ),
        )
    if record.state == PublicationState.published:
        assert record.published_at and decision.signed_at
        worded_at = decision.revisions[-1].signed_at if decision.revisions else decision.signed_at
        if not decision.resolution.may_be_published:
            raise refusal(
                "not_for_the_public",
                clause,
                "the meeting decided that it may not be published",
                "会议已确定该决定不予公开",
                Text("withhold it with the reason, or correct the minutes", "请登记不予公开的理由，或先更正纪要"),
            )
        if record.published_at < worded_at:
            raise refusal(
                "published_before_signature",
                clause,
                f"the publication can't be earlier than the signature of the minutes, {worded_at.isoformat()}",
                "公开时间不得早于纪要签发时间",
                Text("state a time after the signature", "请填写签发之后的时间"),
            )
    if decision.publication_record:
        decision.earlier_publications = appended(
            decision.earlier_publications, decision.publication_record, bound=OF_A_DECISION
        )
    decision.publication, decision.publication_record = record.state, record


def follow(decision: Decision, execution: Execution, clause: str | None) -> None:
    """Record feedback, an evaluation or an adjustment (the rulebook's `followed`). Refusals: `not_in_force`,
    `executed_before_signature`."""
    require_in_force(decision, Text("followed", "跟踪执行"), clause)
    assert decision.signed_at
    if execution.occurred_at < decision.signed_at:
        raise refusal(
            "executed_before_signature",
            clause,
            f"the time is before the decision came into force, {decision.signed_at.isoformat()}",
            "执行跟踪的时间不得早于决定生效时间",
            Text("state a time after that", "请填写决定生效之后的时间"),
        )
    decision.executions = appended(decision.executions, execution, bound=OF_A_DECISION)


OF_A_DECISION = Bound(
    300,
    Text("a decision", "一项决定"),
    Text("combine the rest in one record, or report it to the ledger", "其余内容请合并登记，或在督查台账中反馈"),
)
