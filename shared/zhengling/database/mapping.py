"""Columns shared by the nouns' `*/table.py`: typed JSON, and the common columns of nouns."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import registry
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.types import TypeDecorator

from zhengling.database.locking import watch


class Json(TypeDecorator[Any]):
    """A jsonb column with a typed Python value: `Json(list[AgendaItem])`. Mutations aren't tracked: assign a new value."""

    impl = JSONB
    cache_ok = True

    def __init__(self, python_type: Any) -> None:
        super().__init__()
        self.python_type_name = str(python_type)
        self._adapter = TypeAdapter[Any](python_type)

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self._adapter.validate_python(value)


class Word(TypeDecorator[StrEnum]):
    """A text column with a word of a vocabulary: `Word(TopicNature)`. A value that is copied into a typed JSON column has to
    be one of its words, where SQLAlchemy's text would be a plain string."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.vocabulary(value)


def noun_columns() -> list[sa.Column[Any]]:
    """The columns id, government, version (the ETag) and modified_at (the change feed) of a noun's table."""
    return [
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("government", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), server_default=sa.func.now(), onupdate=sa.func.now()),
    ]


#: `info` of a table whose rows have `readers`: the keys of those who see a row, which PostgreSQL generates from it. The value is
#: the key that nearly every row has. A table that is read in pages has a table of its readers (`listed_by_readers`).
SEEN_BY_ROW = {"readers": "@"}


def map_noun(mapper: registry, noun: type, table: sa.Table, *, without: Collection[str] = ()) -> None:
    """Map a noun to its table, `without` the columns that only statements use: each update needs the row's lock and increments
    its version, and server defaults are fetched."""
    mapper.map_imperatively(
        noun, table, version_id_col=table.c.version, eager_defaults=True, exclude_properties=tuple(without)
    )
    watch(noun)


def touch(noun: Any) -> None:
    """Give a noun its next version at the flush, though none of its own columns has changed: something that its answers
    show has, in another table. So its ETag, the change feed and the calendar feed's SEQUENCE say so."""
    flag_modified(noun, "government")
