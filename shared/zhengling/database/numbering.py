"""The register of numbers: all series of a service, such as the ledger's or those of its minutes.

Invariants: in each period a series gives 1, 2, 3, … without a gap and none twice; a number is given in the caller's
transaction, so that a rollback gives it back; a number once given is never given again: it is used, reserved for a subject,
or void with a reason. A series is locked from its first number in a transaction until the commit. All SQL on the register
is in this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry
from uuid_utils.compat import uuid7

from zhengling.database.batching import columns, read_back, write
from zhengling.database.session import backbone, government_of, now
from zhengling.database.transaction import Lookup

# Read after the lock, by a statement of its own: under READ COMMITTED the statement that waits for a lock sees the rows as
# of its start.
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('number ' || :government || ' ' || :series, 0))")
_READ = sa.text("""
    WITH numbers AS NOT MATERIALIZED (
        SELECT * FROM number
        WHERE government = :government AND series = :series AND coalesce(period, 0) = coalesce(CAST(:period AS smallint), 0))
    SELECT NULL AS noun, NULL AS id, coalesce(max(n), 0) AS n FROM numbers
    UNION ALL SELECT subject_noun, subject_id, n FROM numbers WHERE state = 'reserved'
""")
_NUMBERED = sa.text("""
    SELECT subject_noun AS noun, subject_id AS id FROM number
    WHERE government = :government AND series = :series
      AND (subject_noun, subject_id) IN (SELECT * FROM unnest(CAST(:nouns AS text[]), CAST(:ids AS text[])))
""")
# A reserved number becomes a used one of the same subject; any other number that is there already isn't counted.
_KEEP = sa.text("""
    WITH kept AS (
        INSERT INTO number (id, government, series, period, n, text, subject_noun, subject_id, state, given_by, given_at,
                            state_by, state_at, reason)
        SELECT id, :government, series, period, n, text, subject_noun, subject_id, state, by, at, by, at, ''
        FROM unnest(
            CAST(:id AS text[]), CAST(:series AS text[]), CAST(:period AS smallint[]), CAST(:n AS integer[]),
            CAST(:text AS text[]), CAST(:subject_noun AS text[]), CAST(:subject_id AS text[]), CAST(:state AS text[]),
            CAST(:by AS text[]), CAST(:at AS timestamptz[]))
        AS given (id, series, period, n, text, subject_noun, subject_id, state, by, at)
        ON CONFLICT (government, series, coalesce(period, 0), n) DO UPDATE
            SET state = excluded.state, state_by = excluded.state_by, state_at = excluded.state_at, modified_at = now()
            WHERE number.state = 'reserved'
              AND (number.subject_noun, number.subject_id) = (excluded.subject_noun, excluded.subject_id)
        RETURNING 1
    )
    SELECT count(*) FROM kept
""")
_VOID = sa.text("""
    UPDATE number SET state = 'void', reason = :reason, state_by = :by, state_at = :at, modified_at = now()
    WHERE government = :government AND series = :series AND subject_noun = :noun AND subject_id = :id AND state <> 'void'
    RETURNING text
""")


class NumberState(StrEnum):
    reserved = "reserved"
    used = "used"
    void = "void"


@dataclass(frozen=True)
class Series:
    """A series in one period: a year, or None where it never begins again. `pattern` is how a number is written, with
    `{year}` and `{n}`; no leading zeros."""

    name: str
    period: int | None
    pattern: str

    def text(self, n: int) -> str:
        return self.pattern.replace("{year}", str(self.period)).replace("{n}", str(n))


class Subject(NamedTuple):
    """What carries a number."""

    noun: str
    id: str


@dataclass
class Number:
    """A number that was given: by whom and when, and who brought it into its present state, when and why."""

    id: str
    government: str
    series: str
    period: int | None
    n: int
    text: str
    subject_noun: str
    subject_id: str
    state: NumberState
    given_by: str
    given_at: datetime
    state_by: str
    state_at: datetime
    reason: str
    modified_at: datetime


metadata = sa.MetaData()
number_table = sa.Table(
    "number",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text) for name in ("government", "series")),
    sa.Column("period", sa.SmallInteger),
    sa.Column("n", sa.Integer),
    *(sa.Column(name, sa.Text) for name in ("text", "subject_noun", "subject_id", "state", "given_by")),
    sa.Column("given_at", sa.DateTime(timezone=True)),
    sa.Column("state_by", sa.Text),
    sa.Column("state_at", sa.DateTime(timezone=True)),
    sa.Column("reason", sa.Text),
    sa.Column("modified_at", sa.DateTime(timezone=True)),
)
registry(metadata=metadata).map_imperatively(Number, number_table)


@dataclass
class _Held:
    """A series that the transaction has locked: its last number, and the reserved ones by their subjects."""

    last: int
    reserved: dict[Subject, int]


_HELD: Lookup[_Held] = Lookup()


async def take(session: AsyncSession, series: Series, subject: Subject, by: str, among: Sequence[Subject] = ()) -> str:
    """Give the subject its number, as it is written: the one reserved for it, else the next. `among` are subjects that are
    numbered in this order, the given one included: on the first of them all get theirs, reserved until they are taken."""
    held = await _hold(session, series)
    if subject not in held.reserved and len(among) > 1:
        await reserve(session, series, among, by)
    n = held.reserved.pop(subject, held.last + 1)
    held.last = max(held.last, n)
    await write(session, _keep, [_row(session, series, subject, n, NumberState.used, by)])
    return series.text(n)


async def reserve(session: AsyncSession, series: Series, subjects: Sequence[Subject], by: str) -> None:
    """Reserve the next numbers, in this order, for the subjects that have none; one whose number is void gets no other."""
    held = await _hold(session, series)
    await read_back(session, _keep)
    place = {"government": government_of(session), "series": series.name}
    asked = {"nouns": [each.noun for each in subjects], "ids": [each.id for each in subjects]}
    found = (await backbone(session, _NUMBERED, place | asked)).mappings()
    numbered = {Subject(row["noun"], row["id"]) for row in found}
    rows = []
    for subject in dict.fromkeys(subjects):
        if subject not in numbered:
            held.last += 1
            held.reserved[subject] = held.last
            rows.append(_row(session, series, subject, held.last, NumberState.reserved, by))
    if rows:
        await write(session, _keep, rows)


async def void(session: AsyncSession, series: str, subject: Subject, reason: str, by: str) -> str | None:
    """Make the subject's number void, with the reason; it stays taken. Returns it as it is written, or None where the subject
    has none."""
    await read_back(session, _keep)
    place = {"government": government_of(session), "series": series, "noun": subject.noun, "id": subject.id}
    await backbone(session, _LOCK, place)
    what = {"reason": reason, "by": by, "at": now(session)}
    text: str | None = (await backbone(session, _VOID, place | what)).scalar_one_or_none()
    for held in _HELD.of(session).values():
        held.reserved.pop(subject, None)
    return text


async def _hold(session: AsyncSession, series: Series) -> _Held:
    """Lock the series until the commit, and read it; once in a transaction."""
    place = {"government": government_of(session), "series": series.name, "period": series.period}
    known, key = _HELD.of(session), f"{place['government']} {series.name} {series.period}"
    if key not in known:
        await read_back(session, _keep)
        await backbone(session, _LOCK, place)
        found = (await backbone(session, _READ, place)).mappings().all()
        last = next(row["n"] for row in found if row["noun"] is None)
        reserved = {Subject(row["noun"], row["id"]): row["n"] for row in found if row["noun"] is not None}
        known[key] = _Held(last, reserved)
    return known[key]


def _row(
    session: AsyncSession, series: Series, subject: Subject, n: int, state: NumberState, by: str
) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "series": series.name,
        "period": series.period,
        "n": n,
        "text": series.text(n),
        "subject_noun": subject.noun,
        "subject_id": subject.id,
        "state": state.value,
        "by": by,
        "at": now(session),
    }


async def _keep(session: AsyncSession, rows: list[dict[str, Any]]) -> None:
    last = list({(row["series"], row["period"], row["n"]): row for row in rows}.values())
    kept = (await backbone(session, _KEEP, columns(last) | {"government": government_of(session)})).scalar_one()
    if kept != len(last):
        raise RuntimeError(f"{len(last) - kept} numbers were given already")
