"""The words that every section of a rulebook is written in: clauses, names, roles. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

CLAUSE = r"^[A-Z]{2,4}-\d+(¶\d+)?$"
Clause = Annotated[str, Field(pattern=CLAUSE, description="clause id, e.g. ST-39")]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class Role(StrEnum):
    """Who a rule speaks of. The composition says which official that is on a day."""

    head = "head"
    executive_deputy = "executive_deputy"
    deputies = "deputies"
    deputy_in_charge = "deputy_in_charge"
    party_group = "party_group"
    party_secretary = "party_secretary"
    secretary_general = "secretary_general"
    deputy_secretary_general = "deputy_secretary_general"
    office_director = "office_director"
    office_deputy_director = "office_deputy_director"
    office = "office"
    sponsor = "sponsor"
    principal = "principal"
    department_principals = "department_principals"
    constituent_department_principals = "constituent_department_principals"
    unit_principals = "unit_principals"
    deputy_principals = "deputy_principals"
    town_and_street_principals = "town_and_street_principals"
    chair = "chair"


def one_or_many(value: object) -> object:
    """A bare value in YAML is a list of one."""
    return [value] if isinstance(value, (str, dict)) else value


Roles = Annotated[tuple[Role, ...], BeforeValidator(one_or_many)]
