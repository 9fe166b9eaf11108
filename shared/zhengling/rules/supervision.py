"""What a rulebook says of supervision (督查): how an entry gets into the ledger, its number, its due date. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zhengling.rules.conditions import ALWAYS, Facts, Section, When, matches
from zhengling.rules.vocabulary import Clause, Role, Roles, RuleName


class DueRow(Section):
    """One row of the table that gives a ledger entry its due date (first match wins)."""

    clause: Clause
    when: When = ALWAYS
    rule: RuleName


class Ledger(Section):
    """How an entry gets into the supervision ledger: its clause, its number, its due date."""

    clause: Clause
    number: Annotated[str, Field(pattern=r"\{year\}.*\{n\}", description="e.g. 双政督〔{year}〕{n}号")]
    due: tuple[DueRow, ...] = ()
    set_by: Roles = (Role.office,)

    def due_row(self, facts: Facts) -> DueRow | None:
        return next((row for row in self.due if matches(row.when, facts)), None)


class Supervision(Section):
    ledger: Ledger
