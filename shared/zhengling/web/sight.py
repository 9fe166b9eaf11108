"""What the caller of a read sees: the keys it holds, and the condition by which rows show themselves to one of them.

Invariant: every read says who sees it (`Sees`), and rows are read by `visible`, `listed`, `counted`, `seen` and `page` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from zhengling.authority import readers
from zhengling.authority.composition import holds_no_post
from zhengling.database.transaction import state_of
from zhengling.kernel.errors import Problem, Text, not_found
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call, MoreKeys

T = TypeVar("T")


class Sees(StrEnum):
    """Who sees what an operation answers."""

    everybody = "everybody"  # with a token of the government: what is public
    in_office = "in_office"  # whoever holds a post, and systems
    rows = "rows"  # each row those who hold one of its keys
    government = "government"  # the office, the leaders, the supervision office, and systems
    own = "own"  # the caller's own
    administrators = "administrators"  # the scope `<service>:admin`


async def keys_of(call: Call, more: MoreKeys | None = None) -> frozenset[str]:
    """The keys that the caller holds today. Before a composition was loaded nobody holds a post."""
    principal = call.principal
    if principal.official is None:
        restricted = principal.has(f"{call.service.name}:restricted")
        return readers.of_system(principal.subject, restricted=restricted)
    composition = await compositions.if_loaded(call.session)
    if composition is None:
        return frozenset({readers.EVERYBODY})
    keys = readers.of_official(composition, principal.official, shanghai_day(call.now))
    if more and readers.IN_OFFICE in keys and readers.GOVERNMENT not in keys:
        keys |= await more(call, keys)
    return keys


def require(call: Call, sees: Sees) -> None:
    """403 `holds_no_post`, `not_for_the_whole_government` unless the operation's answer is for this caller at all."""
    if call.principal.has(f"{call.service.name}:admin") and sees is Sees.in_office:
        return  # who administers a service loads the first composition, for instance
    if sees in (Sees.in_office, Sees.government) and readers.IN_OFFICE not in call.keys:
        public = Text("only what is public is shown without a post", "未任职人员仅可查阅公开内容")
        raise holds_no_post(call.official, public)
    if sees is Sees.government and readers.GOVERNMENT not in call.keys:
        raise Problem(
            403,
            "not_for_the_whole_government",
            Text(
                "this is for the government's office, its leaders and the supervision office",
                "仅政府办公室、政府领导和督查机构可以查阅",
            ),
            Text("ask the government's office for what concerns your unit", "涉及本单位的，请向政府办公室查询"),
        )


def visible(call: Call, model: type[Any]) -> sa.ColumnElement[bool]:
    """The condition that a row of this noun shows itself to the caller."""
    return overlapping(sa.inspect(model).local_table, call.keys)


def listed(call: Call, model: type[Any]) -> sa.ColumnElement[bool]:
    """As `visible`, for many rows of a noun that has a table of readers: found by their keys rather than looked at one by
    one."""
    if sees_nearly_all(call, model):
        return visible(call, model)
    under = reader_table(model).c
    held = sa.bindparam(None, sorted(call.keys), type_=ARRAY(sa.Text))
    (key,) = sa.inspect(model).primary_key
    found: sa.ColumnElement[bool] = key.in_(sa.select(under.id).where(under.reader == sa.any_(held)))
    return found


def counted(call: Call, model: type[Any]) -> sa.ColumnElement[bool]:
    """As `listed`, for counting all rows of a noun by an index of those that have the key which nearly every row has: whoever
    holds it is shown those, and the index needn't hold the readers, which may be long."""
    return nearly_all(model) if sees_nearly_all(call, model) else listed(call, model)


def nearly_all(model: type[Any]) -> sa.ColumnElement[bool]:
    """The rows that have the key which nearly every row of the noun has. The key stands in the statement, as a plan that is kept
    for any parameter doesn't use a partial index."""
    table = sa.inspect(model).local_table
    return sa.literal_column(f"{table.name}.readers && ARRAY['{table.info['readers']}']", sa.Boolean)


def reader_table(model: type[Any]) -> sa.TableClause:
    """The noun's rows under each of their readers, as `listed_by_readers` of zhengling/migrations creates it."""
    name = f"{sa.inspect(model).local_table.name}_reader"
    return sa.table(name, *map(sa.column, ("reader", "modified_at", "id")))


def sees_nearly_all(call: Call, model: type[Any]) -> bool:
    """Whether nearly every row of this noun shows itself to the caller."""
    return sa.inspect(model).local_table.info["readers"] in call.keys


def overlapping(table: sa.FromClause, keys: frozenset[str]) -> sa.ColumnElement[bool]:
    assert isinstance(table, sa.Table) and table.info.get("readers"), f"{table} doesn't say who sees its rows"
    held = sa.bindparam(None, sorted(keys), type_=ARRAY(sa.Text))
    return sa.literal_column(f"{table.name}.readers", ARRAY(sa.Text)).op("&&", return_type=sa.Boolean())(held)


async def seen(call: Call, model: type[T], key: object, noun: str, noun_zh: str) -> T:
    """The row by its primary key; 404 if the government has none, or none that the caller sees."""
    (column,) = sa.inspect(model).primary_key
    statement = sa.select(model).where(column == key, visible(call, model))
    if row := (await call.session.execute(statement)).scalar_one_or_none():
        return row
    raise not_found(noun, noun_zh, key)


async def hidden(call: Call, path: Mapping[str, object]) -> Problem | None:
    """What is answered in place of a refusal by right (403) of a command on a row that doesn't show itself to the caller, which
    would tell that there is such a row: 404, as of reads. The row is the one that the path names, by its id or otherwise."""
    asked, named = state_of(call.session).asked_for, [str(value) for value in path.values()]
    about = next((noun for noun in asked if noun[1] in named), next(iter(asked), None)) if named else None
    if about is None or not sa.inspect(about[0]).local_table.info.get("readers"):
        return None
    model, key = about
    table, (column,) = sa.inspect(model).local_table, sa.inspect(model).primary_key
    seeing = overlapping(table, await keys_of(call, call.more))
    with call.session.no_autoflush:  # what the refused command changed isn't written
        if await call.session.scalar(sa.select(seeing).where(column == key)) is not False:
            return None
    return not_found(*asked[about], key if key in named else named[0])
