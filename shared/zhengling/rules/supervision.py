"""The rules of supervision (督查): the ledger's entries, their numbers and due dates. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zhengling.dates.deadlines import Anchor
from zhengling.rules.conditions import ALWAYS, Facts, Section, When, matches
from zhengling.rules.vocabulary import Clause, Role, Roles, RuleName


class DueRow(Section):
    """One row of the decision table for an entry's due date (the first match applies)."""

    clause: Clause
    when: When = ALWAYS
    rule: RuleName


class Deployment(Section):
    """The day on which a matter counts as deployed (部署), by its source: a meeting's decision on the day of the meeting, or
    on the day on which its minutes are signed."""

    clause: Clause
    meeting_decision: Literal[Anchor.meeting_day, Anchor.minutes_signed]


class Ledger(Section):
    """Entries of the supervision ledger: clause, number format, due dates. `deployment` is where rules of deployment start."""

    clause: Clause
    number: Annotated[str, Field(pattern=r"\{year\}.*\{n\}", description="e.g. 双政督〔{year}〕{n}号")]
    deployment: Deployment | None = None
    due: tuple[DueRow, ...] = ()
    set_by: Roles = (Role.office,)

    def due_row(self, facts: Facts) -> DueRow | None:
        return next((row for row in self.due if matches(row.when, facts)), None)


class Supervision(Section):
    ledger: Ledger
