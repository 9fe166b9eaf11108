"""Conditions (`when`) of rows and steps in a rulebook, matched against the facts of a case. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from zhengling.rules.vocabulary import (
    Aspect,
    Difficulty,
    EntrySource,
    FollowingDocument,
    InstructionKind,
    Outcome,
    RaisedBy,
    TopicNature,
)

BOOLEAN = (True, False)

#: The closed vocabulary of `when`: fact → the values it can take.
FACTS: dict[str, tuple[object, ...]] = {
    "entrusted": BOOLEAN,
    "chaired": BOOLEAN,
    "raised_by": tuple(RaisedBy),
    "nature": tuple(TopicNature),
    "outcome": tuple(Outcome),
    "document": tuple(FollowingDocument),
    "difficulty": tuple(Difficulty),
    "source": tuple(EntrySource),
    "instruction": tuple(InstructionKind),
    "set_at_year_start": BOOLEAN,
    "specially_urgent": BOOLEAN,
    "major": BOOLEAN,
    **dict.fromkeys(Aspect, BOOLEAN),
}

Facts = dict[str, object]


def _known_facts(when: object) -> object:
    if not isinstance(when, dict):
        raise ValueError("expected a mapping fact: value (or fact: [values])")
    for fact, wanted in when.items():
        if fact not in FACTS:
            raise ValueError(f"unknown fact {fact!r}; known: {', '.join(FACTS)}")
        for value in wanted if isinstance(wanted, list) else [wanted]:
            if value not in FACTS[fact]:
                raise ValueError(f"{fact} can't be {value!r}; it is one of {', '.join(map(str, FACTS[fact]))}")
    return when


#: Marks the fields of the schema that hold a condition (`places.py`).
WHEN = BeforeValidator(_known_facts)

When = Annotated[dict[str, bool | str | list[bool | str]], WHEN]


#: The `when` that always matches.
ALWAYS: When = {}


def matches(when: When, facts: Facts) -> bool:
    """Whether every fact in `when` has the given value, or one of the given values. An empty `when` always matches."""
    return all(
        facts.get(fact) in wanted if isinstance(wanted, list) else facts.get(fact) == wanted
        for fact, wanted in when.items()
    )


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
