"""Minutes (会议纪要): drafted from what was recorded, reviewed and signed by the rulebook's chain, then immutable.

Pure: no I/O.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from meeting_svc.meeting import Meeting
from zhengling.authority import Composition
from zhengling.deadlines import shanghai_day
from zhengling.errors import Text, refusal
from zhengling.events import Resolution
from zhengling.rulebook import Difficulty, MeetingKind, Outcome


class MinutesState(StrEnum):
    draft = "draft"
    signed = "signed"


@dataclass
class Minutes:
    """One version of a meeting's minutes; `digest` is the SHA-256 of the text as signed."""

    id: str
    government: str
    meeting_id: str
    number: int
    text: str
    drafted_by: str
    state: MinutesState = MinutesState.draft
    digest: str | None = None
    signed_by: str | None = None
    signed_at: datetime | None = None
    version: int = 1
    modified_at: datetime | None = None


_OUTCOMES = {
    Outcome.passed: "会议审议通过",
    Outcome.passed_in_principle: "会议原则通过",
    Outcome.not_passed: "会议未予通过",
    Outcome.deferred: "会议决定暂缓，提交以后的会议",
    Outcome.noted: "会议听取了汇报",
}
_DIFFICULTIES = {
    Difficulty.general: "一般事项",
    Difficulty.complex: "复杂事项",
    Difficulty.long_term: "长期事项",
}


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


def draft_text(meeting: Meeting, kind: MeetingKind, composition: Composition, government_name: str) -> str:
    """The minutes' text (Chinese) from agenda, attendance and decisions."""
    name = composition.official_names
    present = [entry.official for entry in meeting.attendance if entry.present]
    members = [official for official in present if official in meeting.members]
    others = [official for official in present if official not in meeting.members]
    absent = [entry for entry in meeting.attendance if not entry.present]
    assert meeting.opened_at and meeting.chair
    day = shanghai_day(meeting.opened_at)
    lines = [
        f"{government_name}{kind.name}纪要",
        "",
        f"时间：{day.year}年{day.month}月{day.day}日",
        f"主持：{name.get(meeting.chair, meeting.chair)}"
        + ("（受委托）" if meeting.entrustment and meeting.entrustment.to == meeting.chair else ""),
        f"出席：{'、'.join(composition.names(members))}",
    ]
    if others:
        lines.append(f"列席：{'、'.join(composition.names(others))}")
    if absent:
        lines.append(
            "请假："
            + "、".join(f"{name.get(e.official, e.official)}{f'（{e.reason}）' if e.reason else ''}" for e in absent)
        )
    lines.append("")
    for resolution in meeting.resolutions:
        lines += _paragraphs(resolution)
    return "\n".join(lines).rstrip() + "\n"


def _paragraphs(resolution: Resolution) -> list[str]:
    lines = [f"{resolution.number}. {resolution.title}", f"{_OUTCOMES[resolution.outcome]}。"]
    if resolution.outcome.adopts:
        units = f"由{resolution.lead.name}牵头"
        if resolution.co_units:
            units += f"，{'、'.join(unit.name for unit in resolution.co_units)}配合"
        due = f"{resolution.due.isoformat()}前完成" if resolution.due else _DIFFICULTIES[resolution.difficulty]
        lines.append(f"{resolution.task}。{units}；{due}。")
    return [*lines, ""]


def seal(minutes: Minutes, signed_by: str, signed_at: datetime) -> None:
    """The signature: from here on this version is immutable."""
    minutes.state = MinutesState.signed
    minutes.signed_by, minutes.signed_at = signed_by, signed_at
    minutes.digest = hashlib.sha256(minutes.text.encode()).hexdigest()
