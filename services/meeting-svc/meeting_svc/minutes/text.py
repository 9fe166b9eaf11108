"""The text of minutes: the sentences of the record, and what a text has to contain. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from meeting_svc.attendance import quorum
from meeting_svc.meeting import chairing, participants
from meeting_svc.meeting.meeting import Meeting
from meeting_svc.meeting.record import Attendance, Capacity, Handover, Presence
from meeting_svc.meeting.succession import chaired_by
from zhengling.authority.chain import Succession
from zhengling.authority.composition import Composition, OrganisationKind
from zhengling.authority.titles import in_order, styled
from zhengling.documents.gbt9704 import chinese_date
from zhengling.documents.minutes_template import Item, Values
from zhengling.events.meeting import Resolution
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import SHANGHAI, shanghai_day
from zhengling.rules.absences import AbsenceKind
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.rulebook import Government, Titles
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
#: Grounds of absence that are public duties. Health and private matters aren't printed.
_PUBLIC_REASONS = (LeaveReason.higher_meeting, LeaveReason.official_trip, LeaveReason.emergency)
_PUBLIC_ABSENCES = (AbsenceKind.abroad, AbsenceKind.official_trip, AbsenceKind.study)
_NO_RECIPIENTS = (OrganisationKind.government, OrganisationKind.office)
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
    government: Government,
    resolutions: list[Resolution],
    revoked: frozenset[str] = frozenset(),
    corrects: str = "",
) -> Values:
    """The values for a template of the minutes: agenda, attendance and decisions in words. Officials are named by rank
    with unit and title; `corrects` is `document.replacement` of a correction."""
    assert meeting.opened_at
    opener, *_ = chairing.chaired(meeting)
    natures = {item.topic_id: item.nature for item in meeting.agenda}
    entries = {each.official: each for each in meeting.attendance}
    attendance = [entries[official] for official in in_order(composition, entries, meeting.day)]
    people = _People(meeting, composition, government.titles)
    return Values(
        government=government.name,
        kind=kind.name,
        title=meeting.title,
        day=chinese_date(shanghai_day(meeting.opened_at)),
        chair=people.styled(opener),
        chaired_as=_chaired_as(meeting, kind, composition, opener),
        handovers=tuple(_handover(kind, people, each) for each in meeting.handovers),
        quorum=_quorum(quorum.figures(meeting, kind, composition)),
        items=tuple(
            Item(
                ordinal=ordinal(n),
                title=each.title,
                sentence=sentence(each, natures.get(each.topic_id), each.decision_id in revoked),
            )
            for n, each in enumerate(resolutions, 1)
        ),
        present=tuple(people.styled(e.official) for e in attendance if e.present and _takes_part(meeting, e)),
        others=(
            *(people.noted(e) for e in attendance if e.present and not _takes_part(meeting, e)),
            *(guest.name for guest in meeting.guests if guest.present),
        ),
        on_leave=people.missing(attendance, Presence.on_leave),
        away=people.missing(attendance, Presence.away),
        represented=people.missing(attendance, Presence.represented),
        absent=people.missing(attendance, Presence.absent),
        corrects=corrects,
        copies=copies(meeting, composition, resolutions),
    )


def copies(meeting: Meeting, composition: Composition, resolutions: list[Resolution]) -> tuple[str, ...]:
    """Who gets the minutes (分送): those who belong to the meeting, and the units in the roll call, of the topics and of
    the tasks, in the composition's order; without the office, which issues them."""
    concerned = {each.sponsor.code for each in resolutions}
    for each in resolutions:
        concerned |= {unit.code for unit in (each.lead, *each.co_units) if unit}
    for entry in meeting.attendance:
        concerned |= set(participants.organisations_of(composition, entry.official, meeting.day))
    units = (o.name for o in composition.organisations if o.code in concerned and o.kind not in _NO_RECIPIENTS)
    return ("会议组成人员" if meeting.members else "参会领导", *units)


def _chaired_as(meeting: Meeting, kind: MeetingKind, composition: Composition, official: str) -> str:
    """The note on a chair who acted for the head; empty for a chair by post."""
    if meeting.entrustment and meeting.entrustment.to == official:
        return "受委托"
    acting = chaired_by(meeting, kind, composition, official)
    return f"代行{''.join(composition.names([acting.on_behalf_of]))}职责" if acting and acting.on_behalf_of else ""


def _handover(kind: MeetingKind, people: _People, handover: Handover) -> str:
    """The note on a handover of the chair: 10时20分起由某人（受委托）主持."""
    moment = handover.act.occurred_at.astimezone(SHANGHAI)
    note = _chaired_as(people.meeting, kind, people.composition, handover.to)
    return f"{moment.hour}时{moment.minute:02}分起由{with_notes(people.styled(handover.to), [note])}主持"


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


@dataclass(frozen=True)
class _People:
    """The people of a meeting as its minutes name them."""

    meeting: Meeting
    composition: Composition
    titles: Titles

    def styled(self, official: str) -> str:
        return styled(self.composition, self.titles, official, self.meeting.day)

    def missing(self, attendance: list[Attendance], status: Presence) -> tuple[str, ...]:
        """The absent with this status, distinguished as in the attendance circular."""
        guests = (guest.name for guest in self.meeting.guests if guest.status == status)
        return (*(self.noted(each) for each in attendance if not each.present and each.status == status), *guests)

    def noted(self, entry: Attendance) -> str:
        """The name with the public duty that prevents the official, who chairs in their place, the delegate, or the
        official represented. Minutes are published: reasons in the official's own words and private ones stay in the
        record of the meeting."""
        name, notes = self.composition.official_names, []
        leave = participants.granted_leave(self.meeting, entry.official)
        away = self.composition.absent(entry.official, self.meeting.day)
        if entry.status == Presence.on_leave and leave and leave.reason_kind in _PUBLIC_REASONS:
            notes.append(in_chinese(leave.reason_kind))
        if entry.status == Presence.away and away and away.absence_kind in _PUBLIC_ABSENCES:
            notes.append(in_chinese(away.absence_kind))
        if not entry.present and (entrustment := self.meeting.entrustment) and entrustment.by == entry.official:
            notes.append(f"委托{name.get(entrustment.to, entrustment.to)}主持")
        if entry.delegate:
            notes.append(f"由{name.get(entry.delegate, entry.delegate)}代会")
        sent_by = (each.official for each in self.meeting.attendance if each.delegate == entry.official)
        notes += [f"代{name.get(official, official)}" for official in sent_by]
        return with_notes(self.styled(entry.official), notes)


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
