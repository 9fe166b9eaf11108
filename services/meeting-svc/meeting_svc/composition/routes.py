"""HTTP → commands and queries of the composition; no rules here."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from meeting_svc.composition import commands as do
from meeting_svc.composition import queries as see
from meeting_svc.composition.queries import Slice
from meeting_svc.composition.rows import MAX_ROWS
from meeting_svc.composition.schemas import (
    CompositionChanges,
    CompositionReport,
    CompositionRows,
    CompositionSummary,
    CompositionView,
    OfficialView,
    PostList,
    Reason,
    VersionView,
)
from meeting_svc.scopes import ADMIN, ReadInOffice
from zhengling.authority.composition import Composition
from zhengling.documents.xlsx import MEDIA_TYPE
from zhengling.kernel.errors import Problem, Text
from zhengling.kernel.instants import Day
from zhengling.web.call import Call
from zhengling.web.etags import etag
from zhengling.web.json_bodies import parse
from zhengling.web.paging import Page
from zhengling.web.problems import PROBLEMS
from zhengling.web.routing import CommandRoute, authenticate, command, queries, query
from zhengling.web.sight import Sees

#: A composition is larger than other bodies; its load is limited by the number of rows and by the event's size.
BODY_LIMITS = {f"/v1/composition{path}": 8 * 1024 * 1024 for path in ("", "/preview")}
MOST_VALUES = 15 * MAX_ROWS
#: The models of bodies that routes here parse themselves.
DOCUMENTED = (Composition, CompositionRows)
BINARY = {"schema": {"type": "string", "format": "binary"}}
WORKBOOK: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: BINARY}, "description": "The workbook"}}
NONE_YET: dict[int | str, dict[str, Any]] = {
    404: PROBLEMS[409] | {"description": "No composition yet, or no such version"}
}

reads = queries("/v1", "composition")
people = queries("/v1", "officials")

OnDay = Annotated[Day | None, Query(description="only what is valid on this day (Asia/Shanghai)")]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="an earlier version; by default the current one")]
Code = Annotated[str | None, Query(max_length=64)]


def _either(schema: str) -> dict[str, Any]:
    """The request body of both media types."""
    rows = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"requestBody": {"required": True, "content": {"application/json": rows, MEDIA_TYPE: BINARY}}}


async def _content(request: Request) -> do.Content:
    """The rows of the body, of a JSON document or of a workbook; read once, for a caller who may load them."""
    if not hasattr(request.state, "composition"):
        (await authenticate(request)).require(ADMIN)
        request.state.composition = await _read(request)
    content: do.Content = request.state.composition
    return content


async def _read(request: Request) -> do.Content:
    raw = await request.body()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == MEDIA_TYPE:
        return await do.read_workbook(raw)
    if media_type != "application/json":
        text = Text(
            f"the body has to be application/json or {MEDIA_TYPE}", f"请求体须为 application/json 或 {MEDIA_TYPE}"
        )
        raise Problem(415, "unsupported_media_type", text)
    if not raw:
        raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required", "input": None}])
    try:
        return await asyncio.to_thread(lambda: do.read_rows(CompositionRows.model_validate(parse(raw, MOST_VALUES))))
    except json.JSONDecodeError as error:
        place = [{"type": "json_invalid", "loc": ("body", error.pos), "msg": str(error), "input": None}]
        raise RequestValidationError(place, body=None) from error
    except ValidationError as error:
        found = [e | {"loc": ("body", *e["loc"])} for e in error.errors(include_url=False)]
        raise RequestValidationError(found, body=None) from error


class LoadRoute(CommandRoute):
    """A command whose body is read before its transaction."""

    async def content(self, request: Request) -> bytes:
        await _content(request)
        return await request.body()


def _slice(
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400, description="next_cursor of the previous page")] = None,
) -> Slice:
    return Slice(limit, see.after_cursor(cursor) if cursor is not None else None)


Part = Annotated[Slice, Depends(_slice)]
#: Before the call, so that the body is read before the transaction.
ContentRead = Annotated[do.Content, Depends(_content)]


writes = APIRouter(prefix="/v1", tags=["composition"], route_class=LoadRoute, responses=PROBLEMS)


# loading ------------------------------------------------------------------------------------------------------------
@writes.put(
    "/composition",
    operation_id="load_composition",
    summary="Load the composition of the government, from JSON or from the workbook",
    openapi_extra=_either("Composition"),
)
async def load_composition(
    content: ContentRead,
    call: Annotated[Call, command(ADMIN)],
    response: Response,
    reason: Annotated[Reason, Query(description="why it is loaded; shown in the list of versions")] = "",
    if_match: Annotated[
        str | None, Header(alias="If-Match", description="required once there is a composition")
    ] = None,
) -> CompositionSummary:
    version, loaded = await do.load_composition(call, content, if_match, reason)
    response.headers["ETag"] = etag(version)
    return CompositionSummary(
        version=version,
        organisations=len(loaded.organisations),
        officials=len(loaded.officials),
        posts=len(loaded.posts),
    )


@reads.post(
    "/composition/preview",
    operation_id="preview_composition",
    summary="Preview a load row by row, with all errors at once",
    openapi_extra=_either("CompositionRows"),
)
async def preview_composition(
    content: ContentRead, call: Annotated[Call, query(ADMIN, sees=Sees.administrators)]
) -> CompositionReport:
    return await do.preview_composition(call, content)


# reading ------------------------------------------------------------------------------------------------------------
def _workbook(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.xlsx"', "Vary": "Accept"}
    return Response(content, media_type=MEDIA_TYPE, headers=headers)


@reads.get(
    "/composition",
    operation_id="get_composition",
    summary="The current composition, an earlier version, or the part valid on a day; JSON, or the workbook by Accept",
    response_model=CompositionView,
    responses=NONE_YET | {200: {"content": {MEDIA_TYPE: BINARY}}},
)
async def get_composition(
    request: Request, call: ReadInOffice, response: Response, version: Version = None, on: OnDay = None
) -> CompositionView | Response:
    if MEDIA_TYPE in request.headers.get("accept", ""):
        return await export_composition(call, version, on)
    view = await see.get_composition(call, version, on)
    response.headers["Vary"] = "Accept"
    if version is None and on is None:  # only the whole current composition has an ETag that a change can use
        response.headers["ETag"] = etag(view.version)
    return view


@reads.get(
    "/composition.xlsx",
    operation_id="export_composition",
    summary="The composition as a workbook, to edit and load",
    response_class=Response,
    responses=NONE_YET | WORKBOOK,
)
async def export_composition(call: ReadInOffice, version: Version = None, on: OnDay = None) -> Response:
    found, content = await see.get_workbook(call, version, on)
    answer = _workbook(content, f"composition-{found}")
    if version is None and on is None:
        answer.headers["ETag"] = etag(found)
    return answer


@reads.get(
    "/composition/template.xlsx",
    operation_id="get_composition_template",
    summary="An empty workbook with headers, choice lists and explanations",
    response_class=Response,
    responses=WORKBOOK,
)
async def get_composition_template(call: ReadInOffice) -> Response:
    return _workbook(await see.get_template(call), "composition-template")


@reads.get(
    "/composition/versions",
    operation_id="list_composition_versions",
    summary="List versions: who loaded them, when and why",
)
async def list_composition_versions(call: ReadInOffice, part: Part) -> Page[VersionView]:
    return await see.list_versions(call, part)


@reads.get(
    "/composition/changes",
    operation_id="get_composition_changes",
    summary="The differences between two versions, by row",
    responses=NONE_YET,
)
async def get_composition_changes(
    call: ReadInOffice,
    before: Annotated[
        int | None, Query(alias="from", ge=0, le=2**31 - 1, description="the version before `to`")
    ] = None,
    after: Annotated[
        int | None, Query(alias="to", ge=1, le=2**31 - 1, description="by default the current version")
    ] = None,
) -> CompositionChanges:
    return await see.get_changes(call, before, after)


@people.get(
    "/officials",
    operation_id="list_officials",
    summary="List officials by id, with posts, portfolios and partners",
    responses=NONE_YET,
)
async def list_officials(
    call: ReadInOffice, part: Part, on: OnDay = None, organisation: Code = None
) -> Page[OfficialView]:
    return await see.list_officials(call, part, on, organisation)


@people.get("/officials/{official_id}", operation_id="get_official", summary="One official, over time or on a day")
async def get_official(official_id: str, call: ReadInOffice, on: OnDay = None) -> OfficialView:
    return await see.get_official(call, official_id, on)


@people.get(
    "/posts",
    operation_id="list_posts",
    summary="Who holds which post on a day, by post or by a rule's role",
    responses=NONE_YET,
)
async def list_posts(
    call: ReadInOffice,
    part: Part,
    on: Annotated[Day | None, Query(description="the day; by default today")] = None,
    role: Annotated[str | None, Query(max_length=64, description="a post's role, or a role used by rules")] = None,
    organisation: Code = None,
    sponsor: Annotated[
        str | None, Query(max_length=64, description="the sponsoring organisation; required for deputy_in_charge")
    ] = None,
) -> PostList:
    return await see.list_posts(call, part, on, role, organisation, sponsor)


ROUTERS = [writes, reads, people]
