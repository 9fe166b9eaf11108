"""What comes in from outside as JSON: nothing that isn't asked for, and texts without blanks around them.

Invariant: a text that has to say something (`SAYING`) is never blank, and one that may be empty is empty where it was
blank, so that blanks never stand for a reason. Pure.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, field_validator

#: The pattern of a text that isn't only blanks.
SAYING = r"\S"


class Payload(BaseModel):
    """The body of a request. A text is measured as it came, and kept without the blanks around it."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _stripped(cls, value: object) -> object:
        return _without_blanks(value)


def _without_blanks(value: object) -> object:
    if type(value) is str:
        return value.strip()
    if type(value) is list:
        return [_without_blanks(each) for each in value]
    if type(value) is dict:
        return {key: _without_blanks(each) for key, each in value.items()}
    return value
