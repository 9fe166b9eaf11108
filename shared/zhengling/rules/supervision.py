"""The rules of supervision (督查): the ledger's entries, their numbers and due dates. Pure."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from zhengling.dates.deadlines import Anchor
from zhengling.rules.conditions import ALWAYS, Facts, Section, When, matches
from zhengling.rules.places import ENTRY, Counted
from zhengling.rules.vocabulary import Clause, Role, Roles, RuleName


class DueRow(Section):
    """One row of the decision table for an entry's due date (the first match applies). Without a `rule` the roles in the
    ledger's `set_by` set the date."""

    clause: Clause
    when: When = ALWAYS
    rule: Annotated[RuleName | None, Counted(("within", "by"), (Anchor.deployment, Anchor.assignment))] = None


class DueByRule(NamedTuple):
    """The rule of a due date, and the clause of the row that names it."""

    rule: str
    clause: str


class Deployment(Section):
    """The day on which a matter counts as deployed (部署), by its source: a meeting's decision on the day of the meeting, or
    on the day on which its minutes are signed."""

    clause: Clause
    meeting_decision: Literal[Anchor.meeting_day, Anchor.minutes_signed]


class Ledger(Section):
    """Entries of the supervision ledger: clause, number format, due dates. `deployment` is where rules of deployment start.
    `number_clause` and `set_by_clause` are the sources of the number's style and of who sets dates, if not the ledger's own."""

    clause: Clause
    number: Annotated[str, Field(pattern=r"\{year\}.*\{n\}", description="e.g. 双政督〔{year}〕{n}号")]
    deployment: Deployment | None = None
    number_clause: Clause | None = None
    due: Annotated[tuple[DueRow, ...], ENTRY] = ()
    set_by: Annotated[Roles, ENTRY] = (Role.office,)
    set_by_clause: Clause | None = None

    def due_row(self, facts: Facts) -> DueByRule | None:
        """The rule of an entry's due date; None where the date has to be set."""
        row = next((row for row in self.due if matches(row.when, facts)), None)
        return DueByRule(row.rule, row.clause) if row and row.rule else None


class Supervision(Section):
    ledger: Ledger
