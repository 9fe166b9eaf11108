"""The replica of a government's composition and absences, fed by events and read in the caller's transaction.

Parsed compositions are cached per version.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from zhengling.authority.absence import Absent
from zhengling.authority.composition import Composition
from zhengling.backbone.inbox import Handlers, Received, ignored
from zhengling.database.session import (
    backbone,
    government_of,
    now,
)
from zhengling.database.transaction import Lookup
from zhengling.events.calendar import (
    AbsenceApproved,
    AbsenceCancelled,
    AbsenceEntrusted,
    AbsenceExtended,
    AbsenceRefused,
    AbsenceReturned,
)
from zhengling.events.event import Event
from zhengling.events.meeting import CompositionChanged
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas.cache import keep

# Includes recent absences, since a fact may be recorded some time after it occurred, and those that begin soon.
_COMPOSITION_VERSION = sa.text("""
    SELECT version, (SELECT jsonb_agg(content ORDER BY id) FROM absence_replica
                     WHERE government = :government AND in_force AND since <= :soon AND until >= :lately) AS absences
    FROM composition WHERE government = :government
""")
_STORE_ABSENCE = sa.text("""
    INSERT INTO absence_replica (id, government, since, until, in_force, content)
    VALUES (:id, :government, :since, :until, :in_force, CAST(:content AS jsonb))
    ON CONFLICT (government, id) DO UPDATE SET since = excluded.since, until = excluded.until,
        in_force = excluded.in_force, content = excluded.content, changed_at = clock_timestamp()
""")
A_WHILE = timedelta(days=31)
_COMPOSITION = sa.text("SELECT content FROM composition WHERE government = :government")
_STORE_COMPOSITION = sa.text("""
    INSERT INTO composition (government, version, content) VALUES (:government, :version, CAST(:content AS jsonb))
    ON CONFLICT (government) DO UPDATE SET version = excluded.version, content = excluded.content,
        changed_at = clock_timestamp()
    WHERE composition.version < excluded.version
""")
KNOWN: Lookup[Composition] = Lookup()
_compositions: OrderedDict[tuple[str, int], Composition] = OrderedDict()


async def current(session: AsyncSession) -> Composition:
    """The composition of the session's government with its absences: the same one for the whole transaction. Problem
    `no_composition` (409) until one was loaded."""
    found = await if_loaded(session)
    if found is None:
        government = government_of(session)
        raise Problem(
            409,
            "no_composition",
            Text(f"no composition of {government} is loaded yet", f"{government}尚未导入机构与人员"),
            Text("load it with PUT /v1/composition of meeting-svc", "请先通过会议服务导入机构与人员"),
        )
    return found


async def if_loaded(session: AsyncSession) -> Composition | None:
    """As `current`; None until a composition was loaded."""
    government = government_of(session)
    known = KNOWN.of(session)
    if government not in known and (read := await _read(session, government)):
        known[government] = read
    return known.get(government)


async def _read(session: AsyncSession, government: str) -> Composition | None:
    today = shanghai_day(now(session))
    place = {"government": government, "soon": today + A_WHILE, "lately": today - A_WHILE}
    row = (await session.execute(_COMPOSITION_VERSION, place)).first()
    if row is None:
        return None
    version, absences = row
    found = _compositions.get((government, version))
    if found is None:
        content = await session.scalar(_COMPOSITION, {"government": government})
        stored = Composition.model_validate(content, extra="ignore")  # a newer process may have stored more
        found = keep(_compositions, (government, version), stored)
    return found.with_absences(map(Absent.model_validate, absences)) if absences else found


async def store_absence(session: AsyncSession, absent: Absent, *, in_force: bool = True) -> None:
    """Store an absence's current state; `in_force` is false if it doesn't take place."""
    KNOWN.of(session).clear()
    row: dict[str, Any] = {
        "id": absent.absence_id,
        "government": government_of(session),
        "since": absent.since,
        "until": absent.until,
        "in_force": in_force,
        "content": absent.model_dump_json(include=set(Absent.model_fields)),
    }
    await backbone(session, _STORE_ABSENCE, row)


async def store_composition(session: AsyncSession, version: int, content: Composition) -> bool:
    """Store this version, without defaults: a process of the version before reads what it knows. Returns False if it isn't
    newer than the stored one."""
    KNOWN.of(session).clear()
    stored = await session.execute(
        _STORE_COMPOSITION,
        {
            "government": government_of(session),
            "version": version,
            "content": content.model_dump_json(exclude_defaults=True),
        },
    )
    return bool(stored.rowcount)  # type: ignore[attr-defined]  # an INSERT's result has it


async def on_composition_changed(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, CompositionChanged)
    await store_composition(session, event.version, event.composition)


async def on_absence_changed(session: AsyncSession, event: Event, received: Received) -> None:
    assert isinstance(event, Absent)
    await store_absence(session, event, in_force=not isinstance(event, AbsenceCancelled))


#: The handlers of absence events, for services with this replica.
ABSENCES: Handlers = {
    AbsenceApproved: on_absence_changed,
    AbsenceEntrusted: on_absence_changed,
    AbsenceExtended: on_absence_changed,
    AbsenceReturned: on_absence_changed,
    AbsenceCancelled: on_absence_changed,
    AbsenceRefused: ignored,
}
