"""What a service couldn't take and kept for its operators: listed by pages, and discarded by two persons.

Invariants: nothing leaves its list but by a retry or a discard; a discard takes a reason and a second person; each step is
audited. The kinds of things differ in their table and their words only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel

from zhengling.kernel.errors import Problem, Text, not_found
from zhengling.web.call import Call
from zhengling.web.paging import Page, PageRequest, bounds, cut

V = TypeVar("V", bound=BaseModel)


@dataclass(frozen=True)
class Kept:
    """Where things of a kind are kept: the table, its key, the column of the instant by which they are listed, the statement
    that reads what is listed (with a `status`), the expression of a row's status, and what a discard changes in it."""

    table: str
    key: str
    at: str
    rows: str
    status: str
    discarding: str = "discarded_by = :person"


@dataclass(frozen=True)
class Kind(Generic[V]):
    """A kind of things set aside. `name` is also the beginning of the code of its 404, `subject` that of its name in the audit
    trail; `waits` are the statuses in which something can be done about it, and `done` is the refusal otherwise."""

    view: type[V]
    kept: Kept
    name: Text
    subject: str
    waits: frozenset[str]
    done: Callable[[UUID, str], Problem]

    async def page(self, call: Call, paging: PageRequest, status: str | None) -> Page[V]:
        """Those of this status (null: of any), by instant."""
        kept = self.kept
        statement = sa.text(f"""
            SELECT * FROM ({kept.rows}) AS listed
            WHERE (CAST(:status AS text) IS NULL OR status = :status)
              AND (CAST(:since AS timestamptz) IS NULL OR {kept.at} >= :since)
              AND (CAST(:after AS timestamptz) IS NULL OR ({kept.at}, CAST({kept.key} AS text)) > (:after, :key))
            ORDER BY {kept.at}, CAST({kept.key} AS text) LIMIT :limit
        """)
        found = (await call.session.execute(statement, bounds(paging) | {"status": status})).mappings()
        rows, cursor = cut(list(found), paging.limit, lambda row: (row[kept.at], str(row[kept.key])))
        return Page(items=[self.view.model_validate(dict(row)) for row in rows], next_cursor=cursor)

    async def find(self, call: Call, identity: UUID, *more: str) -> Any:
        """The row, locked, with these further columns. 404 if there is none; 409 if nothing remains to be done about it."""
        kept = self.kept
        columns = ", ".join((f"{kept.status} AS status", "discard_requested_by", "discard_requested_for", *more))
        statement = sa.text(f"SELECT {columns} FROM {kept.table} WHERE {kept.key} = :id FOR UPDATE")
        row = (await call.session.execute(statement, {"id": identity})).first()
        if row is None:
            raise not_found(self.name.en, self.name.zh, identity)
        if row.status not in self.waits:
            raise self.done(identity, row.status)
        call.audit_details["subject"] = f"{self.subject}:{identity}"
        return row

    async def discard(self, call: Call, identity: UUID, reason: str) -> str:
        """One person requests it with a reason, a second one confirms. Returns the state after this request. 404; 409 as `find`
        or `second_person_needed`."""
        row, kept, person = await self.find(call, identity), self.kept, call.principal.subject
        call.audit_details["reason"] = reason
        if row.discard_requested_by is None:
            changes = """
                discard_reason = :reason, discard_requested_by = :person, discard_requested_for = :official
            """
            given = {"reason": reason, "official": call.official}
        else:
            _require_another(call, row.discard_requested_by, row.discard_requested_for)
            changes, given = kept.discarding, {}
        statement = sa.text(f"UPDATE {kept.table} SET {changes} WHERE {kept.key} = :id")
        await call.session.execute(statement, given | {"id": identity, "person": person})
        return "awaiting_second_person" if row.discard_requested_by is None else "discarded"


def _require_another(call: Call, requested_by: str, requested_for: str | None) -> None:
    """Problem 409 if the person who requested it confirms it."""
    person, official = call.principal.subject, call.official
    if person == requested_by or (official and official == requested_for):
        raise Problem(
            409,
            "second_person_needed",
            Text(f"{official or person} requested it, so another person must confirm", "放弃事件须由另一人确认"),
            Text("have a colleague send the same request", "请由其他人员发送同一请求"),
        )
