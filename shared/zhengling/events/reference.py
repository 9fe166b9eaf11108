"""What an event points at, so that a chain (topic → decision → entry or document) is followed both ways without a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict


class Reference(BaseModel):
    """One thing of one service: the service that owns it, its noun, its id in that service's API, and the number by which
    people cite it, if it has one: 临督〔2026〕1号 of an entry, 〔2026〕3号 of minutes, its place on the agenda of a decision.

    Service and noun are text rather than an enumeration, so that an older reader can keep a reference to a noun that it
    doesn't know."""

    model_config = ConfigDict(frozen=True)
    service: str
    noun: str
    id: str
    number: str | None = None


def by_id(service: str, noun: str, field: str) -> Callable[[dict[str, Any]], Reference]:
    """The default of a reference in an event that was sent before it carried one: made from the id in `field`."""

    def reference(sent: dict[str, Any]) -> Reference:
        return Reference(service=service, noun=noun, id=sent[field])

    return reference
