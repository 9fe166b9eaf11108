"""A notice of supervision (督办通知): drafted, signed under the next number of its series, answered by the unit's return slip
(回执) within its own limit.

Invariants: a notice has a number once it is signed, and its text is never changed afterwards; a withdrawn draft never had one.
Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from zhengling.authority.composition import Permission, RoleContext
from zhengling.events.meeting import Unit
from zhengling.kernel.errors import Text
from zhengling.kernel.states import States
from zhengling.rules.absences import Power
from zhengling.rules.chains import actors_of
from zhengling.rules.supervision import Notices
from zhengling.rules.vocabulary import Role


class NoticeState(StrEnum):
    drafted = "drafted"
    issued = "issued"
    answered = "answered"
    withdrawn = "withdrawn"


STATES = States(
    {
        NoticeState.drafted: "待签发",
        NoticeState.issued: "待回执",
        NoticeState.answered: "已回执",
        NoticeState.withdrawn: "已撤回",
    }
)
NOUN = Text("the notice", "该督办通知")


@dataclass
class Notice:
    """`number`, `text` and `due` are set at the signature: `due` is the last day of the return slip, `due_at` the first instant
    at which it is late; `requirements` is what the unit is to do."""

    id: str
    government: str
    edition: str
    entry_id: str
    entry_number: str
    title: str
    unit: Unit
    requirements: str
    drafted_by: str
    drafted_at: datetime
    clause: str
    state: NoticeState = NoticeState.drafted
    number: str | None = None
    text: str = ""
    signed_by: str | None = None
    on_behalf_of: str | None = None
    signed_at: datetime | None = None
    due: date | None = None
    due_at: datetime | None = None
    overdue_at: datetime | None = None
    slip: str = ""
    answered_by: str | None = None
    answered_at: datetime | None = None
    late: bool | None = None
    withdrawn_reason: str = ""
    version: int = 1
    modified_at: datetime | None = None


def who_drafts(rules: Notices) -> Permission:
    act = Text("draft or withdraw a notice of supervision", "起草或撤回督办通知")
    return Permission(actors_of(rules.by), act, code="not_the_drafter", clause=rules.clause)


def who_signs(rules: Notices) -> Permission:
    act = Text("sign a notice of supervision", "签发督办通知")
    return Permission(actors_of(rules.signed_by), act, code="not_the_signer", clause=rules.clause, power=Power.sign)


def who_answers(notice: Notice) -> Permission:
    act = Text("fill in the return slip of this notice", "填写该督办通知的回执")
    context = RoleContext(sponsor=notice.unit.code)
    return Permission(actors_of((Role.sponsor,)), act, code="not_the_addressee", clause=notice.clause, context=context)


def require_in(notice: Notice, *states: NoticeState) -> None:
    """409 `illegal_state`."""
    STATES.require(notice.state, states, NOUN, notice.clause)


def issue(notice: Notice, number: str, text: str, due: date, due_at: datetime) -> None:
    notice.state, notice.number, notice.text = NoticeState.issued, number, text
    notice.due, notice.due_at = due, due_at


def answer(notice: Notice, slip: str, by: str, at: datetime) -> None:
    """The unit's return slip came at that moment, which decides whether it is late."""
    notice.state, notice.slip, notice.answered_by, notice.answered_at = NoticeState.answered, slip, by, at
    notice.late = notice.due_at is not None and notice.due_at <= at
    if not notice.late:
        notice.overdue_at = None


def withdraw(notice: Notice, reason: str) -> None:
    notice.state, notice.withdrawn_reason = NoticeState.withdrawn, reason


def fall_overdue(notice: Notice, moment: datetime) -> bool:
    """Mark an issued notice whose return slip is late; True if it was marked now."""
    passed = notice.due_at is not None and notice.due_at <= moment
    if notice.state != NoticeState.issued or notice.overdue_at or not passed:
        return False
    notice.overdue_at = moment
    return True


def move_due(notice: Notice, due: date, due_at: datetime, moment: datetime) -> None:
    """Move the return slip's limit. A mark is removed if the new one isn't past."""
    notice.due, notice.due_at = due, due_at
    if moment < due_at:
        notice.overdue_at = None
