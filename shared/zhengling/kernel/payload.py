"""Base classes of payloads and views: a payload refuses unknown members and values of another type, and normalises its texts.

Invariants: a required text (`SAYING`) is never blank, and a blank optional text becomes empty; a text is single-line unless
marked by `SeveralLines`; a list is marked by `Once` or `Repeatable`. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from zhengling.kernel.characters import SeveralLines, require_one_line, unpadded
from zhengling.kernel.errors import Unfit
from zhengling.kernel.instants import Instant

#: The pattern of a text that isn't blank.
SAYING = r"\S"
Title = Annotated[str, Field(min_length=2, max_length=200, pattern=SAYING)]
Reason = Annotated[str, Field(min_length=2, max_length=500, pattern=SAYING), SeveralLines]
Opinion = Annotated[str, Field(max_length=1000), SeveralLines]
#: Marks a name or title, taken without the spaces that only set its width in a column: 张　三 and 张三 are one name.
UNPADDED = BeforeValidator(lambda text: unpadded(text) if isinstance(text, str) else text)
OccurredAt = Annotated[
    Instant | None, Field(description="when it occurred, with offset; default: now; never in the future")
]
#: A text of a view about somebody's absence: others see that the person is away, until when, and who stands in.
Private = Annotated[
    str | None,
    Field(description="null to others than those concerned, who decide on it, and the office, which keeps the record"),
]


@dataclass(frozen=True)
class Once:
    """Marks a list in which nothing may come twice: texts without regard to surrounding blanks, parts by the fields that `by`
    names, else as a whole. 422 for one that does."""

    by: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._require, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        for part in found.get("anyOf", [found]):
            if part.get("type") == "array":
                part["uniqueItems"] = True
        return found

    def _require(self, members: list[Any] | None) -> list[Any] | None:
        seen: set[object] = set()
        for number, each in enumerate(members or [], 1):
            if (known := self._identity(each)) in seen:
                raise Unfit(f"item {number} is there already, and each may come once", f"第{number}项与前面的重复")
            seen.add(known)
        return members

    def _identity(self, member: Any) -> object:
        if self.by:
            return tuple(_without_blanks(getattr(member, name)) for name in self.by)
        return member.model_dump_json() if isinstance(member, BaseModel) else _without_blanks(member)


@dataclass(frozen=True)
class Repeatable:
    """Marks a list in which the same may come twice, and why that does no harm."""

    why: str


class Payload(BaseModel):
    """A command's body, or a part of it. A text's length is checked as sent, and surrounding blanks are stripped. 422
    `several_lines` for a title, name or the like with line ends, which would start a new paragraph in documents."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_type(cls, value: object, info: ValidationInfo) -> object:
        """JSON's own truth values and numbers: `"no"` isn't false, and `"5"` isn't 5."""
        types = _types(cls.model_fields[info.field_name or ""].annotation)
        if bool in types and not isinstance(value, bool | None):
            raise Unfit("expected true or false", "请填写true或false")
        if int in types and not types & {str, bool} and isinstance(value, str | bool):
            raise Unfit("expected a number", "请填写数字")
        return value

    @field_validator("*")
    @classmethod
    def _as_it_says(cls, value: object, info: ValidationInfo) -> object:
        name, said = info.field_name or "", _without_blanks(value)
        if not _of_several_lines(cls.model_fields[name]):
            require_one_line(said, name)
        return said


def _types(annotation: Any) -> set[Any]:
    """The alternatives of an annotation."""
    parts = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _types(parts[0])
    if get_origin(annotation) in (Union, UnionType):
        return set[Any]().union(*map(_types, parts))
    return {annotation}


def _of_several_lines(field: FieldInfo) -> bool:
    waiting: list[Any] = [*field.metadata, field.annotation]
    while waiting:
        part = waiting.pop()
        if part is SeveralLines:
            return True
        waiting += get_args(part)
    return False


def _without_blanks(value: object) -> object:
    if type(value) is str:
        return value.strip()
    if type(value) is list:
        return [_without_blanks(each) for each in value]
    if type(value) is dict:
        return {key: _without_blanks(each) for key, each in value.items()}
    return value


class View(BaseModel):
    """An answer, or a part of one, made from an object's attributes."""

    model_config = ConfigDict(from_attributes=True)
