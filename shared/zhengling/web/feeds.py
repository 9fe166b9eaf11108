"""Calendar feeds (RFC 5545): a service's dates, for calendar programs to subscribe to.

Calendar programs can't send bearer tokens, so a person creates a link that contains a secret. Invariants: a secret is
returned once and only its SHA-256 is stored; a link gives the read access of its creator's government, in this service
only, and none after it was revoked or its creator no longer holds a post.

No postponed annotations here: FastAPI must resolve dependencies that close over the service's name.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from zhengling.authority.composition import holds_no_post
from zhengling.database.session import enter_government, one_at_a_time
from zhengling.documents.icalendar import FeedEvent, render
from zhengling.kernel.errors import Language, Problem, Text, not_found, refusal
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.service.admission import Admission
from zhengling.service.auth import Principal
from zhengling.service.service import Service
from zhengling.web.call import Call, MoreKeys
from zhengling.web.etags import is_current
from zhengling.web.problems import PROBLEMS, language_of
from zhengling.web.routing import command, commands, queries, query
from zhengling.web.sight import Sees, keys_of

MAX_LINKS = 20
"""The maximum number of active links of a person in one service."""

LINKS_AT_A_TIME, LINKS_WAITING = 3, 100
"""How many requests by links are answered at a time in one process, each with a connection of the database, and how many wait."""

_OWN = """
    official IS NOT DISTINCT FROM CAST(:official AS text) AND (official IS NOT NULL OR subject = :subject)
"""
_INSERT = sa.text("""
    INSERT INTO feed (id, government, subject, official, language, secret_hash)
    VALUES (:id, :government, :subject, :official, :language, :secret_hash) RETURNING created_at
""")
_COUNT = sa.text(f"SELECT count(*) FROM feed WHERE {_OWN} AND revoked_at IS NULL")
_LIST = sa.text(f"""
    SELECT id, language, created_at, revoked_at FROM feed WHERE {_OWN}
    ORDER BY revoked_at IS NOT NULL, created_at DESC LIMIT 200
""")
_FIND = sa.text(f"""
    SELECT id, language, created_at, revoked_at, {_OWN} AS own FROM feed WHERE id = :id FOR UPDATE
""")
_REVOKE = sa.text("UPDATE feed SET revoked_at = clock_timestamp() WHERE id = :id RETURNING revoked_at")
_NAME_SECRET = sa.text("SELECT set_config('app.feed', :secret_hash, true)")
_BY_SECRET = sa.text("SELECT government, subject, official, language FROM feed WHERE secret_hash = :secret_hash")


def first_day(call: Call) -> date:
    """The first day of feeds: the 1st of January of last year."""
    return date(shanghai_day(call.now).year - 1, 1, 1)


# answers ------------------------------------------------------------------------------------------------------------
#: A service's events for its feed: those that the caller sees.
FeedQuery = Callable[[Call], Awaitable[Iterable[FeedEvent]]]


class ICalendar(Response):
    media_type = "text/calendar"


async def _answer(call: Call, request: Request, title: Text, feed: FeedQuery, if_none_match: str | None) -> Response:
    """The feed, or 304 if the caller has the same bytes; private, and revalidated on every use."""
    name = f"{call.rulebook.government.name} {title.in_language(call.language)}"
    domain = f"{call.service.name}.{call.government}.zhengling"
    events = tuple(await feed(call))
    content = await asyncio.to_thread(render, name, domain, events, call.language, _address(request))
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Accept-Language"}
    if is_current(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return ICalendar(content, headers=headers)


def _address(request: Request) -> str:
    service: Service = request.app.state.service
    return (service.settings.public_url or str(request.base_url)).rstrip("/")


# links --------------------------------------------------------------------------------------------------------------
class MakeFeed(BaseModel):
    """A link for a calendar program, in the given language, else in the request's."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"language": "zh"}]})
    language: Language | None = None


class FeedView(BaseModel):
    """A link without its secret."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    language: Language
    created_at: datetime
    revoked_at: datetime | None


class FeedLink(FeedView):
    """A new link. `url` contains its secret and is returned only this once."""

    url: Annotated[
        str | None,
        Field(description="null in a repeated answer, as the secret isn't stored: revoke the link and create another"),
    ]


class Feeds(BaseModel):
    items: list[FeedView]


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _person(call: Call) -> dict[str, Any]:
    """The owner of the caller's links: the official if the token names one, else the subject."""
    return {"subject": call.principal.subject, "official": call.official}


async def _holds_a_post(session: AsyncSession, official: str, on: date) -> bool:
    return (await compositions.current(session)).serves(official, on)


async def _make(call: Call, language: Language, address: str) -> FeedLink:
    """Create a link for the caller. Refusals: 409 `too_many_feeds`; for an official 409 `no_composition`, 403
    `holds_no_post`, since such a link would show nothing. Emits no event."""
    if call.official and not await _holds_a_post(call.session, call.official, shanghai_day(call.now)):
        works = Text("a link works only while its creator holds a post", "仅在职人员的订阅链接有效")
        raise holds_no_post(call.official, works)
    await one_at_a_time(call.session, f"feeds of {call.official or call.principal.subject}")
    if await call.session.scalar(_COUNT, _person(call)) >= MAX_LINKS:
        raise refusal(
            "too_many_feeds",
            None,
            f"there are {MAX_LINKS} links already",
            f"已有{MAX_LINKS}个订阅链接",
            Text("revoke a link that is no longer used", "请先撤销不再使用的链接"),
        )
    secret, identity = secrets.token_urlsafe(32), uuid7()
    row = _person(call) | {"id": identity, "government": call.government, "language": language}
    created_at = await call.session.scalar(_INSERT, row | {"secret_hash": _hash(secret)})
    assert created_at is not None
    url = f"{address}/v1/feeds/{secret}.ics"
    return FeedLink(id=identity, language=language, created_at=created_at, revoked_at=None, url=url)


async def _revoke(call: Call, feed_id: UUID, admin: str) -> FeedView:
    """Revoke a link: the caller's own, or with the scope `admin` any of the government. 404 if there is none that the
    caller may revoke; 409 `feed_is_revoked`."""
    row = (await call.session.execute(_FIND, _person(call) | {"id": feed_id})).first()
    if row is None or not (row.own or call.principal.has(admin)):
        raise not_found("feed", "日历订阅", feed_id)
    if row.revoked_at:
        raise refusal(
            "feed_is_revoked",
            None,
            f"link {feed_id} was revoked already",
            "该订阅链接已撤销",
            Text("no action is needed", "无需处理"),
        )
    view = FeedView.model_validate(row)
    view.revoked_at = await call.session.scalar(_REVOKE, {"id": feed_id})
    return view


async def _follow(session: AsyncSession, service: Service, secret_hash: str, more: MoreKeys | None) -> Call:
    """The read call of a link: for its creator, in its language; the session enters its government. Problem 404
    `feed_not_found`, with the same text for an unknown secret, a revoked link and a creator without a post.
    """
    place = {"secret_hash": secret_hash}
    await session.execute(_NAME_SECRET, place)
    row = (await session.execute(_BY_SECRET, place)).first()
    if row is not None:
        await enter_government(session, row.government)
        scopes = frozenset({f"{service.name}:read"})
        call = Call(
            Principal(row.subject, "feed", row.government, None, row.official, scopes), session, service, row.language
        )
        if row.official is None or await _holds_a_post(session, row.official, shanghai_day(call.now)):
            call.keys = await keys_of(call, more)
            return call
    raise Problem(
        404,
        "feed_not_found",
        Text("there is no such feed, or its link is no longer valid", "没有该日历订阅，或其链接已失效"),
        Text("create a link with POST /v1/feeds", "请重新生成订阅链接"),
    )


def routes(name: str, title: Text, feed: FeedQuery, more: MoreKeys | None = None) -> APIRouter:
    """The feed of the service `name`: by token, and by secret links. The calendar's name is the government's name and
    `title`; `more` are the keys that the service adds for its readers."""
    read, admin = f"{name}:read", f"{name}:admin"
    router = APIRouter()
    reads = queries("/v1", "feeds")
    writes = commands("/v1", "feeds")
    too_many = PROBLEMS[429] | {"description": "Too many requests by this link; Retry-After says when to go on"}
    by_link = APIRouter(
        prefix="/v1",
        tags=["feeds"],
        responses={409: PROBLEMS[409], 422: PROBLEMS[422], 429: too_many, 503: PROBLEMS[503]},
    )
    admission = Admission(LINKS_AT_A_TIME, LINKS_WAITING)
    not_modified: dict[int | str, dict[str, Any]] = {304: {"description": "Not modified"}}
    IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="the ETag of the caller's copy")]

    @reads.get(
        "/calendar.ics",
        operation_id="get_calendar_feed",
        summary=f"{title.en} as an iCalendar feed ({title.zh})",
        response_class=ICalendar,
        responses=not_modified,
    )
    async def get_calendar_feed(
        request: Request,
        call: Annotated[Call, query(read, sees=Sees.rows, more=more)],
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        return await _answer(call, request, title, feed, if_none_match)

    @by_link.get(
        "/feeds/{secret}.ics",
        operation_id="get_feed_by_link",
        summary="The same feed for a calendar program, by a link's secret instead of a token",
        response_class=ICalendar,
        responses=not_modified,
        openapi_extra={"security": []},
    )
    async def get_feed_by_link(secret: str, request: Request, if_none_match: IfNoneMatch = None) -> Response:
        service: Service = request.app.state.service
        secret_hash = _hash(secret)
        service.rates.enter_by_link(secret_hash)
        async with admission, service.database.transaction(None) as session:
            call = await _follow(session, service, secret_hash, more)
            service.rates.know_link(secret_hash)
            return await _answer(call, request, title, feed, if_none_match)

    @reads.get("/feeds", operation_id="list_feeds", summary="List the caller's links, without their secrets")
    async def list_feeds(call: Annotated[Call, query(read, sees=Sees.own)]) -> Feeds:
        rows = await call.session.execute(_LIST, _person(call))
        return Feeds(items=[FeedView.model_validate(row) for row in rows])

    @writes.post(
        "/feeds", operation_id="make_feed", status_code=201, summary="Create a link; its secret is returned only once"
    )
    async def make_feed(
        body: MakeFeed, request: Request, call: Annotated[Call, command(read)], response: Response
    ) -> FeedLink:
        link = await _make(call, body.language or language_of(request), _address(request))
        response.headers["Cache-Control"] = "no-store"
        call.audit_details["subject"] = f"feed:{link.id}"
        request.state.kept_body = link.model_copy(update={"url": None}).model_dump_json().encode()
        return link

    @writes.post("/feeds/{feed_id}/revoke", operation_id="revoke_feed", summary="Revoke a link permanently")
    async def revoke_feed(feed_id: UUID, call: Annotated[Call, command(read)]) -> FeedView:
        view = await _revoke(call, feed_id, admin)
        call.audit_details["subject"] = f"feed:{feed_id}"
        return view

    for part in (reads, by_link, writes):
        router.include_router(part)
    return router
