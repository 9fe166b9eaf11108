"""HTTP → queries of the kinds of meetings; no rules here."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from meeting_svc.meeting_kind import queries as see
from meeting_svc.meeting_kind.schemas import Kinds, KindView
from meeting_svc.scopes import ReadPublic
from zhengling.web.routing import queries

reads = queries("/v1", "meeting")


@reads.get("/meeting-kinds", operation_id="list_meeting_kinds", summary="List the kinds of meetings with their rules")
async def list_meeting_kinds(call: ReadPublic) -> Kinds:
    return see.list_kinds(call)


@reads.get("/meeting-kinds/{kind}", operation_id="get_meeting_kind", summary="The rules of one kind of meeting")
async def get_meeting_kind(kind: Annotated[str, Path(max_length=60)], call: ReadPublic) -> KindView:
    return see.kind_view(call, kind)


ROUTERS = [reads]
