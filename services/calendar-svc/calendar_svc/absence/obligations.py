"""The obligations of an absence beside its approval: report, filing, formal procedure. They are tracked and block
nothing.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from calendar_svc.absence.absence import Absence, AbsenceState, Action, DutyDone, require_act
from zhengling.authority.composition import Composition, Permission
from zhengling.kernel.errors import Text, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.absences import Duty, RequestRow
from zhengling.rules.chains import actors_of
from zhengling.rules.vocabulary import in_chinese


class DutyState(StrEnum):
    open = "open"
    done = "done"
    late = "late"


@dataclass(frozen=True)
class DutyStanding:
    """The status of a duty: done in time, done late, open, or open and late."""

    duty: Duty
    when: str
    clause: str
    state: DutyState
    done: DutyDone | None


def duties_of(row: RequestRow, absence: Absence, on: date) -> list[DutyStanding]:
    """The duties of the row; a duty due before the departure is late once the departure is past."""
    found = []
    for wanted in row.duties:
        done = next((d for d in absence.duties_done if (d.duty, d.when) == (wanted.duty, wanted.when)), None)
        state = DutyState.done if done else DutyState.open
        day = shanghai_day(done.occurred_at) if done else on
        if wanted.when == "before" and day > absence.since:
            state = DutyState.late
        found.append(DutyStanding(wanted.duty, wanted.when, wanted.clause or row.clause, state, done))
    return found


def record_duty(
    absence: Absence, row: RequestRow, composition: Composition, official: str | None, done: DutyDone, on: date
) -> None:
    """Record that a duty is done. 409 `no_such_duty`, `done_already`; 403 `not_the_recorder`."""
    require_act(absence, Action.record_duty)
    wanted = next((d for d in row.duties if (d.duty, d.when) == (done.duty, done.when)), None)
    if wanted is None:
        known = [f"{d.duty} {d.when}" for d in row.duties]
        known_zh = [f"{'事前' if d.when == 'before' else '事后'}{in_chinese(d.duty)}" for d in row.duties]
        raise refusal(
            "no_such_duty",
            row.clause,
            f"the rules don't require {done.duty} {done.when}",
            "规则未要求此事项",
            Text(f"required: {', '.join(known) or 'nothing'}", f"要求的事项：{'、'.join(known_zh) or '无'}"),
        )
    if done.when == "after" and absence.state == AbsenceState.requested:
        raise refusal(
            "not_away_yet",
            wanted.clause or row.clause,
            "a duty after the absence can't be recorded before its approval",
            "请假尚未批准，不得登记事后事项",
            Text("record it on the return", "请在返回后登记"),
        )
    if any((d.duty, d.when) == (done.duty, done.when) for d in absence.duties_done):
        raise refusal(
            "done_already",
            row.clause,
            "this duty is already recorded as done",
            "该事项已登记",
            Text("no further record is necessary", "无需重复登记"),
        )
    if official is None or official != absence.official:
        composition.require(
            official,
            on,
            Permission(
                actors_of(wanted.by),
                Text("record this", "登记该事项"),
                code="not_the_recorder",
                clause=wanted.clause or row.clause,
            ),
        )
    absence.duties_done = [*absence.duties_done, done]
