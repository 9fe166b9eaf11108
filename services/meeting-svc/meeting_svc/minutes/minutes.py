"""Minutes (会议纪要): drafted from the meeting's record, reviewed and signed by the rulebook's chain, then immutable.

Invariants: every version is kept, with its author, time and reason; steps count only for the version on which they were
taken; at most one version waits for its signature; signed minutes change only by a correction, a new version that takes
the same chain. Pure: no I/O.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from meeting_svc.decision.decision import Amendment
from meeting_svc.meeting.meeting import Meeting, MeetingState, minutes_facts
from meeting_svc.minutes.text import in_the_place_of, with_notes
from zhengling.authority.chain import Returned, StepTaken
from zhengling.authority.composition import Composition
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.conditions import Facts
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.rulebook import Rulebook


class MinutesState(StrEnum):
    draft = "draft"
    stale = "stale"
    returned = "returned"
    superseded = "superseded"
    signed = "signed"
    waived = "waived"


class Cause(StrEnum):
    """Why a version was written."""

    draft = "draft"
    redraft = "redraft"
    correction = "correction"
    waiver = "waiver"


@dataclass
class Minutes:
    """One version of a meeting's minutes; `digest` is the SHA-256 of the signed text. `mark` and `issuer` are stored,
    so that an old version's document doesn't change with the government."""

    id: str
    government: str
    meeting_id: str
    number: int
    text: str
    drafted_by: str
    drafted_at: datetime
    recorded_at: datetime
    mark: str
    issuer: str
    cause: Cause = Cause.draft
    reason: str = ""
    major: bool = False
    corrects: int | None = None
    amendments: list[Amendment] = field(default_factory=list)
    state: MinutesState = MinutesState.draft
    steps: list[StepTaken] = field(default_factory=list)
    returned: Returned | None = None
    issue: str | None = None
    digest: str | None = None
    signed_by: str | None = None
    signed_at: datetime | None = None
    signature: str = ""
    version: int = 1
    modified_at: datetime | None = None

    @property
    def final(self) -> bool:
        """Whether the version is or was in force; it is then immutable."""
        return self.state in (MinutesState.signed, MinutesState.waived)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# transitions --------------------------------------------------------------------------------------------------------
def facts_of(meeting: Meeting, major: bool, official: str | None) -> Facts:
    """Facts of the chain for one official: whether and how they chaired, and whether there is a major matter, by the
    agenda or by the drafter's declaration."""
    facts = minutes_facts(meeting, official)
    return facts | {"major": facts["major"] or major}


def require_after_close(meeting: Meeting, kind: MeetingKind, occurred_at: datetime) -> None:
    """Refusal `minutes_before_the_close`: drafts, and so signatures, are later than the close; due dates count from the
    signature."""
    if meeting.closed_at and occurred_at < meeting.closed_at:
        raise refusal(
            "minutes_before_the_close",
            kind.minutes_chain.clause,
            f"the draft can't be earlier than the close of the session, {meeting.closed_at.isoformat()}",
            "纪要起草时间不得早于会议结束时间",
            Text("state a time after the close", "请填写会议结束之后的时间"),
        )


def require_after_signature(corrected: Minutes, clause: str, drafted_at: datetime) -> None:
    """Refusal `correction_before_the_signature`: a correction takes effect with its own signature, which is later than
    the one of the minutes it corrects."""
    assert corrected.signed_at
    if drafted_at < corrected.signed_at:
        raise refusal(
            "correction_before_the_signature",
            clause,
            f"the correction can't be earlier than version {corrected.number}'s signature, {corrected.signed_at.isoformat()}",
            f"更正的起草时间不得早于第{corrected.number}稿的签发时间",
            Text("state a time after the signature", "请填写签发之后的时间"),
        )


def require_waiting(meeting: Meeting, latest: Minutes | None, clause: str) -> Minutes:
    """The version that waits for its next step. Refusals: `minutes_returned`, `minutes_stale` if a decision was
    recorded again since, `illegal_state`."""
    if latest and latest.state == MinutesState.draft:
        return latest
    if latest and latest.state == MinutesState.returned and latest.returned:
        raise refusal(
            "minutes_returned",
            clause,
            f"version {latest.number} was returned: {latest.returned.reason}",
            f"第{latest.number}稿已退回：{latest.returned.reason}",
            Text("draft the minutes again", "请重新起草"),
        )
    if latest and latest.state == MinutesState.stale:
        raise refusal(
            "minutes_stale",
            clause,
            f"a decision was recorded again after version {latest.number} was drafted",
            f"第{latest.number}稿起草后，决定事项的记录已更正",
            Text("draft the minutes again", "请重新起草"),
        )
    raise _nothing_waits(meeting)


def _nothing_waits(meeting: Meeting) -> Exception:
    return refusal(
        "illegal_state",
        None,
        f"the meeting is {meeting.state} and no version of its minutes waits for a step",
        "没有待办理的会议纪要",
        Text("draft the minutes, or correct the signed ones", "请先起草纪要，或对已签发的纪要提出更正"),
        state=str(meeting.state),
    )


def supersede(latest: Minutes) -> None:
    """Mark a version as superseded by a newer one; a returned version stays returned."""
    if latest.state == MinutesState.draft:
        latest.state = MinutesState.superseded


def outdate(latest: Minutes) -> None:
    """Mark a waiting draft as stale, since one of its decisions was recorded again; it must be drafted again."""
    if latest.state == MinutesState.draft:
        latest.state = MinutesState.stale


def take(minutes: Minutes, taken: StepTaken) -> None:
    minutes.steps = [*minutes.steps, taken]


def give_back(minutes: Minutes, returned: Returned) -> None:
    minutes.state, minutes.returned = MinutesState.returned, returned


def require_optional(kind: MeetingKind, meeting: Meeting) -> None:
    """Refusals: `minutes_required` unless the rulebook leaves minutes to the chair; `illegal_state` before the close or
    after the signature (HC-53)."""
    chain = kind.minutes_chain
    if not chain.optional:
        raise refusal(
            "minutes_required",
            chain.clause,
            f"{kind.name} requires minutes",
            f"{kind.name}应当形成会议纪要",
            Text("draft the minutes", "请起草会议纪要"),
        )
    if meeting.state not in (MeetingState.closed, MeetingState.minuted):
        raise _nothing_waits(meeting)


def seal(minutes: Minutes, taken: StepTaken, issue: str, composition: Composition, *, entrusted: bool) -> None:
    """Sign the version, which makes it immutable. A signature for somebody else is printed with its ground: as a
    stand-in (代行), as the entrusted chair (`entrusted`, 受委托), or after an official left office (离任)."""
    minutes.state, minutes.issue = MinutesState.signed, issue
    minutes.signed_by, minutes.signed_at = taken.official, taken.occurred_at
    minutes.digest = digest_of(minutes.text)
    name, notes = composition.official_names, []
    if taken.succeeds:
        notes.append(in_the_place_of(taken.succeeds, composition))
    if taken.on_behalf_of:
        notes.append(f"代行{name.get(taken.on_behalf_of, taken.on_behalf_of)}职责")
    elif entrusted:
        notes.append("受委托")
    minutes.signature = with_notes(name.get(taken.official, taken.official), notes)


def waive(minutes: Minutes, by: str, occurred_at: datetime) -> None:
    """Record that there are no minutes, by the chair's decision; it has the effect of a signature."""
    minutes.state, minutes.cause = MinutesState.waived, Cause.waiver
    minutes.signed_by, minutes.signed_at = by, occurred_at
    minutes.digest = digest_of(minutes.text)


def warnings(minutes: Minutes, meeting: Meeting, book: Rulebook | None) -> list[Text]:
    """What who signs should know: that the decisions adopted get no ledger entry, as the meeting's rules have no ledger.
    Nothing if the rules can't be read now."""
    resolutions = [*meeting.resolutions, *(each.after for each in minutes.amendments)]
    if book is None or book.keeps_ledger or not any(each.outcome.adopts for each in resolutions):
        return []
    return [
        Text(
            "the rules of this government have no supervision ledger: the decisions adopted by these minutes get no entry",
            "本级规则未设督查台账：本纪要议定的事项不会列入督查台账",
        )
    ]
