"""The document of minutes: issuer, layout by GB/T 9704, file name. Pure."""

from __future__ import annotations

from datetime import date

from meeting_svc.decision.decision import Amendment
from meeting_svc.minutes.minutes import Cause, Minutes
from meeting_svc.minutes.text import in_one_line, ordinal
from zhengling.authority.composition import Composition
from zhengling.documents.gbt9704 import Attendees, Imprint, Layout, chinese_date
from zhengling.kernel.instants import shanghai_day

_COPIES = "分送"
_ATTENDANCE = ("出席", "列席", "请假", "外出", "替会", "缺席")


def issuer_of(composition: Composition, otherwise: str, on: date) -> str:
    """The name of the government's office on that day, which issues minutes."""
    office = composition.office(on)
    return office.name if office else otherwise


def replacement(corrected: Minutes, amendments: list[Amendment], reason: str) -> str:
    """What a correction replaces, what it changes, and why, in one sentence of its text."""
    assert corrected.signed_at
    day = chinese_date(shanghai_day(corrected.signed_at))
    if corrected.issue:
        replaced = f"本纪要替代{day}签发的{corrected.issue}会议纪要"
    else:
        replaced = f"本纪要替代{day}关于不形成会议纪要的决定"
    changed = [f"更正第{ordinal(each.before.number)}项决定" for each in amendments if not each.revoked]
    changed += [f"撤销第{ordinal(each.before.number)}项决定" for each in amendments if each.revoked]
    return f"{replaced}，{'、'.join(changed) or '更正文字表述'}。更正理由：{in_one_line(reason).rstrip('。')}。"


def layout(minutes: Minutes, corrected: Minutes | None = None) -> Layout:
    """The version as an official document: its text block by block, with the document's number and signature. A
    correction whose text, written by a person, doesn't say what it replaces says so first; `corrected` is that version."""
    lines = [line.strip() for line in minutes.text.splitlines() if line.strip()]
    title, rest = (lines[0], lines[1:]) if lines else ("", [])
    blocks, paragraphs, copies = [], [], ""
    if corrected and (note := replacement(corrected, minutes.amendments, minutes.reason)) not in minutes.text:
        paragraphs.append(note)
    for line in rest:
        label, colon, people = line.partition("：")
        if colon and people and label in _ATTENDANCE:
            blocks.append(Attendees(label=label, people=people))
        elif colon and people and label == _COPIES:
            copies = people.rstrip("。")
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
        imprint=Imprint(copies_label=_COPIES, copies=copies, printed_by=minutes.issuer, printed_on=day),
    )


def file_name(minutes: Minutes, title: str) -> str:
    """The file name of the version: the meeting's title, its number and, before the signature, the draft's number."""
    correction = "（更正）" if minutes.cause == Cause.correction else ""
    standing = "" if minutes.final else f"（第{minutes.number}稿）"
    name = f"{title}纪要{minutes.issue or ''}{correction}{standing}"
    return "".join("_" if character in '\\/:*?"<>|' else character for character in name) + ".docx"
