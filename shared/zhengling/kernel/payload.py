"""Base classes of payloads and views: a payload refuses unknown members and normalises its texts.

Invariants: a required text (`SAYING`) is never blank, and a blank optional text becomes empty; a text is single-line unless
marked by `SeveralLines`. Pure.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from zhengling.kernel.characters import SeveralLines, require_one_line, unpadded
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


class Payload(BaseModel):
    """A command's body, or a part of it. A text's length is checked as sent, and surrounding blanks are stripped. 422
    `several_lines` for a title, name or the like with line ends, which would start a new paragraph in documents."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _as_it_says(cls, value: object, info: ValidationInfo) -> object:
        name, said = info.field_name or "", _without_blanks(value)
        if not _of_several_lines(cls.model_fields[name]):
            require_one_line(said, name)
        return said


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
