"""The use cases of the composition."""

from __future__ import annotations

import sqlalchemy as sa

from zhengling import references
from zhengling.authority import Composition
from zhengling.events import (
    CompositionChanged,
)
from zhengling.outbox import emit
from zhengling.service import Call, parse_etag, stale

_COMPOSITION_VERSION = sa.text("SELECT version FROM composition WHERE government = :government FOR UPDATE")


async def load_composition(call: Call, content: Composition, if_match: str | None) -> int:
    """Replace the government's composition. Needs meeting:admin and, once there is one, If-Match.
    Returns the version. Emits composition.changed."""
    known = await call.session.scalar(_COMPOSITION_VERSION, {"government": call.government})
    if known is not None:
        call.if_match = parse_etag(if_match)
        call.check_version(known)
    version = (known or 0) + 1
    if not await references.store_composition(call.session, version, content):
        raise stale(version)  # another first composition was loaded at the same moment
    await emit(call.session, CompositionChanged(government=call.government, version=version, composition=content))
    return version
