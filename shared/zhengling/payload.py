"""What every command's payload has in common: nothing unknown in it, and its texts within one line unless said otherwise.
Pure."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from zhengling.characters import SeveralLines, require_one_line


class Payload(BaseModel):
    """A command's body, or a part of it. 422 `several_lines` for a title, a name or the like that has line ends: it would
    begin a paragraph of its own in the documents that print it. Texts of several lines are marked by `SeveralLines`."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _within_one_line(cls, value: object, info: ValidationInfo) -> object:
        name = info.field_name or ""
        if not _of_several_lines(cls.model_fields[name]):
            require_one_line(value, name)
        return value


def _of_several_lines(field: FieldInfo) -> bool:
    waiting: list[Any] = [*field.metadata, field.annotation]
    while waiting:
        part = waiting.pop()
        if part is SeveralLines:
            return True
        waiting += get_args(part)
    return False
