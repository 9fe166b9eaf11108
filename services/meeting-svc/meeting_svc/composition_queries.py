"""Reads of the composition."""

from __future__ import annotations

import sqlalchemy as sa

from meeting_svc.composition_schemas import CompositionView
from zhengling import references
from zhengling.authority import Composition
from zhengling.service import Call

_COMPOSITION = sa.text("SELECT version, content FROM composition")


async def get_composition(call: Call) -> CompositionView:
    """Content and version in one look: an ETag newer than what it stands on would let a change be overwritten."""
    await references.composition(call.session)  # the refusal where there is none yet
    found = (await call.session.execute(_COMPOSITION)).one()
    return CompositionView(version=found.version, composition=Composition.model_validate(found.content))
