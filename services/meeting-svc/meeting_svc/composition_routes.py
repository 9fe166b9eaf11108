"""HTTP → command or query of the composition; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header, Response

from meeting_svc import composition_commands as do
from meeting_svc import composition_queries as see
from meeting_svc.composition_schemas import CompositionSummary, CompositionView
from meeting_svc.scopes import ADMIN, Read
from zhengling.authority import Composition
from zhengling.service import Call, command, commands, etag, queries

writes = commands("/v1", "composition")
reads = queries("/v1", "composition")


@writes.put("/composition", operation_id="load_composition", summary="Load the composition of the government")
async def load_composition(
    body: Composition,
    call: Annotated[Call, command(ADMIN)],
    response: Response,
    if_match: Annotated[str | None, Header(alias="If-Match", description="needed once there is one")] = None,
) -> CompositionSummary:
    version = await do.load_composition(call, body, if_match)
    response.headers["ETag"] = etag(version)
    call.audit_details["subject"] = "composition"
    return CompositionSummary(
        version=version,
        organisations=len(body.organisations),
        officials=len(body.officials),
        posts=len(body.posts),
    )


@reads.get("/composition", operation_id="get_composition")
async def get_composition(call: Read, response: Response) -> CompositionView:
    view = await see.get_composition(call)
    response.headers["ETag"] = etag(view.version)
    return view


ROUTERS = [writes, reads]
