"""Minutes (会议纪要): drafted from what was recorded, reviewed and signed by the rulebook's chain, then immutable.

Invariants: every version is kept, with who wrote it, when and why; steps count for the version they were taken on alone;
one version at most waits for its signature; what is signed changes only by a correction, a version of its own that goes
through the same chain. Pure: no I/O.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from meeting_svc.attendance import quorum
from meeting_svc.decision.decision import Amendment
from meeting_svc.meeting import chairing, participants
from meeting_svc.meeting.meeting import Meeting, MeetingState, minutes_facts
from meeting_svc.meeting.record import Attendance, Capacity, Handover, Presence
from meeting_svc.meeting.succession import chaired_by
from zhengling.authority.chain import StepTaken, Succession
from zhengling.authority.composition import Composition, OrganisationKind
from zhengling.documents.gbt9704 import Attendees, Imprint, Layout, chinese_date
from zhengling.documents.minutes_template import Item, Values
from zhengling.events.meeting import Resolution
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import SHANGHAI, shanghai_day
from zhengling.rules.conditions import Facts
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Difficulty, LeaveReason, Outcome, TopicNature, in_chinese


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


@dataclass(frozen=True)
class Returned:
    """Given back by whoever was next in the chain, with a reason."""

    official: str
    reason: str
    occurred_at: datetime
    recorded_at: datetime
    on_behalf_of: str | None = None
    under: str | None = None


@dataclass
class Minutes:
    """One version of a meeting's minutes; `digest` is the SHA-256 of the text as signed. `mark` and `issuer` stand here
    as they were, so that the document of an old version doesn't change with the government."""

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
        """In force, or was until a later version: never changed any more."""
        return self.state in (MinutesState.signed, MinutesState.waived)


_OUTCOMES = {
    Outcome.passed: "会议审议通过",
    Outcome.passed_in_principle: "会议原则通过",
    Outcome.not_passed: "会议未予通过",
    Outcome.deferred: "会议决定暂缓，提交以后的会议",
    Outcome.noted: "会议听取了汇报",
}
#: What a meeting did with a topic that it only took note of, where it isn't a report.
_NOTED = {TopicNature.study: "会议进行了专题学习", TopicNature.transmission: "会议传达学习了有关精神"}
_DIFFICULTIES = {
    Difficulty.general: "一般事项",
    Difficulty.complex: "复杂事项",
    Difficulty.long_term: "长期事项",
}
_DIGITS = "零一二三四五六七八九"
_ATTENDANCE = ("出席", "列席", "请假", "外出", "替会", "缺席")


# the text -----------------------------------------------------------------------------------------------------------
def ordinal(n: int) -> str:
    """n in Chinese numerals, from 1 to 999: 一, 十, 二十一, 一百零五."""
    hundreds, tens, ones = n // 100, n % 100 // 10, n % 10
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "")


def words(
    meeting: Meeting,
    kind: MeetingKind,
    composition: Composition,
    government_name: str,
    resolutions: list[Resolution],
    revoked: frozenset[str] = frozenset(),
) -> Values:
    """What a template of the minutes is given: agenda, attendance and decisions in words."""
    name = composition.official_names
    assert meeting.opened_at
    opener, *_ = chairing.chaired(meeting)
    natures = {item.topic_id: item.nature for item in meeting.agenda}
    return Values(
        government=government_name,
        kind=kind.name,
        title=meeting.title,
        day=chinese_date(shanghai_day(meeting.opened_at)),
        chair=name.get(opener, opener),
        chaired_as=_chaired_as(meeting, kind, composition, opener),
        handovers=tuple(_handover(meeting, kind, composition, each) for each in meeting.handovers),
        quorum=_quorum(quorum.figures(meeting, kind, composition)),
        items=tuple(
            Item(
                ordinal=ordinal(n),
                title=each.title,
                sentence=sentence(each, natures.get(each.topic_id), each.decision_id in revoked),
            )
            for n, each in enumerate(resolutions, 1)
        ),
        present=tuple(
            composition.names(e.official for e in meeting.attendance if e.present and _takes_part(meeting, e))
        ),
        others=(
            *(_named(meeting, e, composition) for e in meeting.attendance if e.present and not _takes_part(meeting, e)),
            *(guest.name for guest in meeting.guests if guest.present),
        ),
        on_leave=_missing(meeting, composition, Presence.on_leave),
        away=_missing(meeting, composition, Presence.away),
        represented=_missing(meeting, composition, Presence.represented),
        absent=_missing(meeting, composition, Presence.absent),
    )


def _chaired_as(meeting: Meeting, kind: MeetingKind, composition: Composition, official: str) -> str:
    """By what somebody chaired in the head's place; empty for who did so by post."""
    if meeting.entrustment and meeting.entrustment.to == official:
        return "受委托"
    acting = chaired_by(meeting, kind, composition, official)
    return f"代行{''.join(composition.names([acting.on_behalf_of]))}职责" if acting and acting.on_behalf_of else ""


def _handover(meeting: Meeting, kind: MeetingKind, composition: Composition, handover: Handover) -> str:
    """From when on somebody else chaired: 10时20分起由某人（受委托）主持."""
    moment, (name,) = handover.act.occurred_at.astimezone(SHANGHAI), composition.names([handover.to])
    chair = _with_notes(name, [_chaired_as(meeting, kind, composition, handover.to)])
    return f"{moment.hour}时{moment.minute:02}分起由{chair}主持"


def _quorum(figures: quorum.Figures | None) -> str:
    if figures is None:
        return ""
    fewest = f"，会议期间最少{figures.lowest}人" if figures.lowest != figures.at_opening else ""
    return f"应到组成人员{figures.members}人，开会时实到{figures.at_opening}人{fewest}，法定人数{figures.needed}人"


def _takes_part(meeting: Meeting, entry: Attendance) -> bool:
    """Whether somebody attends (出席) rather than sits in (列席): who chaired and the members; where a kind has none, all
    but staff and those whom others sent."""
    if meeting.members:
        return entry.official in meeting.members or entry.official in chairing.chaired(meeting)
    return entry.capacity not in (Capacity.staff, Capacity.delegate)


def _missing(meeting: Meeting, composition: Composition, status: Presence) -> tuple[str, ...]:
    """Who wasn't there in this way, as the attendance circular tells them apart, each with what is known of it."""
    officials = (e for e in meeting.attendance if not e.present and e.status == status)
    guests = (guest for guest in meeting.guests if guest.status == status)
    return (
        *(_named(meeting, each, composition) for each in officials),
        *(_with_notes(guest.name, [guest.reason]) for guest in guests),
    )


def _named(meeting: Meeting, entry: Attendance, composition: Composition) -> str:
    """The name, with why they didn't come, who came for them, or for whom they came."""
    name, notes = composition.official_names, []
    leave = participants.granted_leave(meeting, entry.official)
    away = composition.absent(entry.official, meeting.day)
    if entry.status == Presence.on_leave and leave and leave.reason_kind not in (None, LeaveReason.other):
        notes.append(in_chinese(leave.reason_kind))
    if entry.status == Presence.away and away:
        notes.append(in_chinese(away.absence_kind))
    notes.append(entry.reason)
    if entry.delegate:
        notes.append(f"由{name.get(entry.delegate, entry.delegate)}代会")
    notes += [
        f"代{name.get(each.official, each.official)}" for each in meeting.attendance if each.delegate == entry.official
    ]
    return _with_notes(name.get(entry.official, entry.official), notes)


def _with_notes(name: str, notes: list[str]) -> str:
    said = "，".join(in_one_line(note) for note in notes if note)
    return f"{name}（{said}）" if said else name


def in_one_line(text: str) -> str:
    """A text of several lines as it stands within a line: nothing that it says begins a paragraph."""
    return " ".join(text.split())


def sentence(resolution: Resolution, nature: TopicNature | None, revoked: bool = False) -> str:
    """A decision in words: what the meeting made of the topic, what is to be done, by whom and by when."""
    if revoked:
        return "该项决定已撤销。"
    outcome = _OUTCOMES[resolution.outcome]
    if resolution.outcome == Outcome.noted and nature in _NOTED:
        outcome = _NOTED[nature]
    by = [f"由{resolution.lead.name}牵头"] if resolution.lead else []
    if resolution.co_units:
        by.append(f"{'、'.join(unit.name for unit in resolution.co_units)}配合")
    if resolution.due:
        by.append(f"{chinese_date(resolution.due)}前完成")
    elif resolution.outcome.adopts:
        by.append(f"按{_DIFFICULTIES[resolution.difficulty]}办理")
    said = (outcome, in_one_line(resolution.task).rstrip("。"), "，".join(by))
    return "".join(f"{part}。" for part in said if part)


def require_told(text: str, items: tuple[Item, ...], clause: str) -> None:
    """Refusal `decision_not_in_the_text` unless the text has each decision's title and then its sentence, word for word
    and in their order: what is signed and what the ledger is told are the same. Spaces and line ends don't count."""
    written, place = _squeezed(text), 0
    for item in items:
        for part in (item.title, item.sentence):
            place = written.find(_squeezed(part), place)
            if place < 0:
                raise refusal(
                    "decision_not_in_the_text",
                    clause,
                    f"the text lacks, at its place, what is recorded on {item.title}: {part}",
                    f"文本未按顺序原样载明“{item.title}”的决定：{part}",
                    Text(
                        "take title and sentence in as they are recorded; if the record is wrong, replace the decision "
                        "or correct it",
                        "请按记录原样写入议题名称和决定内容；如记录有误，请先更正该决定",
                    ),
                    missing=part,
                    topic=item.title,
                )
            place += len(_squeezed(part))


def _squeezed(text: str) -> str:
    return "".join(text.split())


def issuer_of(composition: Composition, otherwise: str) -> str:
    """The name of the government's office, which issues minutes."""
    offices = (o.name for o in composition.organisations if o.kind == OrganisationKind.office)
    return next(offices, otherwise)


def layout(minutes: Minutes) -> Layout:
    """The version as an official document: its text part by part, with whatever was decided about it since."""
    lines = [line.strip() for line in minutes.text.splitlines() if line.strip()]
    title, rest = (lines[0], lines[1:]) if lines else ("", [])
    blocks, paragraphs = [], []
    for line in rest:
        label, colon, people = line.partition("：")
        if colon and people and label in _ATTENDANCE:
            blocks.append(Attendees(label=label, people=people))
        else:
            paragraphs.append(line)
    if minutes.signature:
        blocks.append(Attendees(label="签发", people=minutes.signature))
    day = shanghai_day(minutes.signed_at or minutes.drafted_at)
    draft = "" if minutes.final else "（未签发稿）"
    return Layout(
        mark=minutes.mark,
        number=f"{minutes.issue or ''}{draft}{'（更正）' if minutes.cause == Cause.correction else ''}",
        issuer=minutes.issuer,
        dated=day,
        title="" if title == minutes.mark else title,
        paragraphs=tuple(paragraphs),
        attendees=tuple(blocks),
        imprint=Imprint(printed_by=minutes.issuer, printed_on=day),
    )


def file_name(minutes: Minutes, title: str) -> str:
    """The name under which the version is saved: the meeting's title, its number, and what it is before the signature."""
    correction = "（更正）" if minutes.cause == Cause.correction else ""
    standing = "" if minutes.final else f"（第{minutes.number}稿）"
    name = f"{title}纪要{minutes.issue or ''}{correction}{standing}"
    return "".join("_" if character in '\\/:*?"<>|' else character for character in name) + ".docx"


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# transitions --------------------------------------------------------------------------------------------------------
def facts_of(meeting: Meeting, major: bool, official: str | None) -> Facts:
    """Facts of the chain for one official: who chaired and how, and whether there is a major matter: by the agenda, or
    as the drafter of the version says."""
    facts = minutes_facts(meeting, official)
    return facts | {"major": facts["major"] or major}


def require_after_close(meeting: Meeting, kind: MeetingKind, occurred_at: datetime) -> None:
    """Refusal `minutes_before_the_close`: the signature comes after the draft, and due dates count from it."""
    if meeting.closed_at and occurred_at < meeting.closed_at:
        raise refusal(
            "minutes_before_the_close",
            kind.minutes_chain.clause,
            f"minutes can't have been drafted before the session closed, {meeting.closed_at.isoformat()}",
            "纪要起草时间不能早于会议结束时间",
            Text("state when they were drafted, after the close", "请填写会议结束之后的时间"),
        )


def require_after_signature(corrected: Minutes, clause: str, drafted_at: datetime) -> None:
    """Refusal `correction_before_the_signature`: what a correction adopts is in force from its own signature on, which
    doesn't come before the one that it corrects."""
    assert corrected.signed_at
    if drafted_at < corrected.signed_at:
        raise refusal(
            "correction_before_the_signature",
            clause,
            f"version {corrected.number} was signed at {corrected.signed_at.isoformat()}: it is corrected after that",
            f"第{corrected.number}稿尚未签发，更正的起草时间不能早于其签发时间",
            Text("state when the correction was drafted, after the signature", "请填写签发之后的时间"),
        )


def require_waiting(meeting: Meeting, latest: Minutes | None, clause: str) -> Minutes:
    """The version that waits for its next step. Refusals: `minutes_returned` where it was given back, `minutes_stale`
    where a decision was recorded anew since, `illegal_state`."""
    if latest and latest.state == MinutesState.draft:
        return latest
    if latest and latest.state == MinutesState.returned and latest.returned:
        raise refusal(
            "minutes_returned",
            clause,
            f"version {latest.number} was returned: {latest.returned.reason}",
            f"第{latest.number}稿已退回：{latest.returned.reason}",
            Text("draft them anew", "请重新起草"),
        )
    if latest and latest.state == MinutesState.stale:
        raise refusal(
            "minutes_stale",
            clause,
            f"a decision was recorded anew since version {latest.number} was drafted",
            f"第{latest.number}稿起草后，决定事项的记录已更正",
            Text("draft them anew", "请重新起草"),
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
    """A newer version takes its place; one that was returned stays so."""
    if latest.state == MinutesState.draft:
        latest.state = MinutesState.superseded


def outdate(latest: Minutes) -> None:
    """A decision that it tells of was recorded anew: it has to be drafted again, and its steps count no more."""
    if latest.state == MinutesState.draft:
        latest.state = MinutesState.stale


def take(minutes: Minutes, taken: StepTaken) -> None:
    minutes.steps = [*minutes.steps, taken]


def give_back(minutes: Minutes, returned: Returned) -> None:
    minutes.state, minutes.returned = MinutesState.returned, returned


def require_optional(kind: MeetingKind, meeting: Meeting) -> None:
    """Refusals: `minutes_required` unless the rulebook leaves it to the chair; `illegal_state` before the close or after
    the signature (HC-53)."""
    chain = kind.minutes_chain
    if not chain.optional:
        raise refusal(
            "minutes_required",
            chain.clause,
            f"{kind.name} needs minutes",
            f"{kind.name}应当形成会议纪要",
            Text("draft them", "请起草会议纪要"),
        )
    if meeting.state not in (MeetingState.closed, MeetingState.minuted):
        raise _nothing_waits(meeting)


def seal(minutes: Minutes, taken: StepTaken, issue: str, composition: Composition, *, entrusted: bool) -> None:
    """The signature: from here on this version is immutable. Whoever signs for somebody else, as `entrusted` by the head
    with chairing, or after somebody who left office, is printed so (代行, 受委托, 离任)."""
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
    minutes.signature = _with_notes(name.get(taken.official, taken.official), notes)


def in_the_place_of(gone: Succession, composition: Composition) -> str:
    """After whom somebody acts, and as what, in the words of a document."""
    name = composition.official_names.get(gone.official, gone.official)
    since = f"已于{chinese_date(gone.left_on)}离任" if gone.left_on else "已离任"
    return f"{name}{since}，由现任{in_chinese(gone.role)}办理"


def waive(minutes: Minutes, by: str, occurred_at: datetime) -> None:
    """The chair's record that there are no minutes; it stands in the place of the signature."""
    minutes.state, minutes.cause = MinutesState.waived, Cause.waiver
    minutes.signed_by, minutes.signed_at = by, occurred_at
    minutes.digest = digest_of(minutes.text)
