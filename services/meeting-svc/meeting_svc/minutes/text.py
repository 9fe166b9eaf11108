"""The text of minutes: the sentences of the record, and what a text has to contain. Pure."""

from __future__ import annotations

from meeting_svc.attendance import quorum
from meeting_svc.meeting import chairing, participants
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.record import Attendance, Capacity, Handover, Presence
from meeting_svc.meeting.succession import chaired_by
from zhengling.authority.chain import Succession
from zhengling.authority.composition import Composition
from zhengling.documents.gbt9704 import chinese_date
from zhengling.documents.minutes_template import Item, Values
from zhengling.events.meeting import Resolution
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import SHANGHAI, shanghai_day
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Difficulty, LeaveReason, Outcome, TopicNature, in_chinese

_OUTCOMES = {
    Outcome.passed: "会议审议通过",
    Outcome.passed_in_principle: "会议原则通过",
    Outcome.not_passed: "会议未予通过",
    Outcome.deferred: "会议决定暂缓，提交以后的会议",
    Outcome.noted: "会议听取了汇报",
}
#: How the minutes state that a topic other than a report was noted.
_NOTED = {TopicNature.study: "会议进行了专题学习", TopicNature.transmission: "会议传达学习了有关精神"}
_DIFFICULTIES = {
    Difficulty.general: "一般事项",
    Difficulty.complex: "复杂事项",
    Difficulty.long_term: "长期事项",
}
_DIGITS = "零一二三四五六七八九"


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
    """The values for a template of the minutes: agenda, attendance and decisions in words."""
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
    """The note on a chair who acted for the head; empty for a chair by post."""
    if meeting.entrustment and meeting.entrustment.to == official:
        return "受委托"
    acting = chaired_by(meeting, kind, composition, official)
    return f"代行{''.join(composition.names([acting.on_behalf_of]))}职责" if acting and acting.on_behalf_of else ""


def _handover(meeting: Meeting, kind: MeetingKind, composition: Composition, handover: Handover) -> str:
    """The note on a handover of the chair: 10时20分起由某人（受委托）主持."""
    moment, (name,) = handover.act.occurred_at.astimezone(SHANGHAI), composition.names([handover.to])
    chair = with_notes(name, [_chaired_as(meeting, kind, composition, handover.to)])
    return f"{moment.hour}时{moment.minute:02}分起由{chair}主持"


def _quorum(figures: quorum.Figures | None) -> str:
    if figures is None:
        return ""
    fewest = f"，会议期间最少{figures.lowest}人" if figures.lowest != figures.at_opening else ""
    return f"应到组成人员{figures.members}人，开会时实到{figures.at_opening}人{fewest}，法定人数{figures.needed}人"


def _takes_part(meeting: Meeting, entry: Attendance) -> bool:
    """Whether somebody attends (出席) rather than sits in (列席): the chairs and members; for a kind without members, all
    but staff and officials whom a delegate represents."""
    if meeting.members:
        return entry.official in meeting.members or entry.official in chairing.chaired(meeting)
    return entry.capacity not in (Capacity.staff, Capacity.delegate)


def _missing(meeting: Meeting, composition: Composition, status: Presence) -> tuple[str, ...]:
    """The absent with this status, distinguished as in the attendance circular, each with the notes known."""
    officials = (e for e in meeting.attendance if not e.present and e.status == status)
    guests = (guest for guest in meeting.guests if guest.status == status)
    return (
        *(_named(meeting, each, composition) for each in officials),
        *(with_notes(guest.name, [guest.reason]) for guest in guests),
    )


def _named(meeting: Meeting, entry: Attendance, composition: Composition) -> str:
    """The name, with the reason of absence, the delegate, or the official represented."""
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
    return with_notes(name.get(entry.official, entry.official), notes)


def with_notes(name: str, notes: list[str]) -> str:
    joined = "，".join(in_one_line(note) for note in notes if note)
    return f"{name}（{joined}）" if joined else name


def in_one_line(text: str) -> str:
    """A text of several lines as one line, so that none of it begins a paragraph."""
    return " ".join(text.split())


def sentence(resolution: Resolution, nature: TopicNature | None, revoked: bool = False) -> str:
    """A decision in words: the outcome on the topic, the task, the units and the due date."""
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
    parts = (outcome, in_one_line(resolution.task).rstrip("。"), "，".join(by))
    return "".join(f"{part}。" for part in parts if part)


def require_sentences(text: str, items: tuple[Item, ...], clause: str) -> None:
    """Refusal `decision_not_in_the_text` unless the text contains each decision's title and then its sentence, verbatim
    and in order, so that the signed text and the ledger agree. Whitespace doesn't count."""
    written, place = _squeezed(text), 0
    for item in items:
        for part in (item.title, item.sentence):
            place = written.find(_squeezed(part), place)
            if place < 0:
                raise refusal(
                    "decision_not_in_the_text",
                    clause,
                    f"the text lacks, in the right order, the record on {item.title}: {part}",
                    f"文本未按顺序原样载明“{item.title}”的决定：{part}",
                    Text(
                        "include title and sentence as recorded; if the record is wrong, replace the decision "
                        "or correct it",
                        "请按记录原样写入议题名称和决定内容；如记录有误，请先更正该决定",
                    ),
                    missing=part,
                    topic=item.title,
                )
            place += len(_squeezed(part))


def _squeezed(text: str) -> str:
    return "".join(text.split())


def in_the_place_of(gone: Succession, composition: Composition) -> str:
    """The person succeeded and the successor's capacity, in the words of a document."""
    name = composition.official_names.get(gone.official, gone.official)
    since = f"已于{chinese_date(gone.left_on)}离任" if gone.left_on else "已离任"
    return f"{name}{since}，由现任{in_chinese(gone.role)}办理"
