"""Queries of the composition: its current state, earlier versions, who held which post, and what changed."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from meeting_svc.composition import workbook
from meeting_svc.composition.changes import changes, holding
from meeting_svc.composition.commands import titles_of
from meeting_svc.composition.schemas import (
    CompositionChanges,
    CompositionView,
    ImportRowView,
    InCharge,
    OfficialView,
    Partner,
    PostHeld,
    PostList,
    VersionView,
)
from zhengling.authority.composition import Composition, Official, Post, PostRole, RoleContext, require_organisations
from zhengling.kernel.errors import Problem, Text, invalid, not_found
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.places import OF_A_CHAIR, OF_A_UNIT, OF_AN_ENTRUSTMENT
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call
from zhengling.web.paging import Page

_STANDING = sa.text("SELECT version, content FROM composition WHERE government = :government")
_VERSION = sa.text(
    "SELECT version, content FROM composition_version WHERE government = :government AND version = :version"
)
_VERSIONS = sa.text("""
    SELECT version, loaded_by, loaded_at, reason, source, jsonb_array_length(content -> 'organisations') AS organisations,
           jsonb_array_length(content -> 'officials') AS officials, jsonb_array_length(content -> 'posts') AS posts
    FROM composition_version WHERE government = :government AND version < :before ORDER BY version DESC LIMIT :limit
""")
_EVERY_VERSION = 2**31 - 1
#: Roles defined by a matter's sponsor; a query for them has to name the sponsor.
T = TypeVar("T")


class Slice(NamedTuple):
    """Part of a list: at most so many items after the one with this key."""

    limit: int
    after: str | None


async def standing(call: Call, version: int | None = None) -> tuple[int, Composition]:
    """The current composition, or an earlier version. 404 `no_composition` before the first,
    `composition_version_not_found`."""
    place = {"government": call.government, "version": version}
    found = (await call.session.execute(_VERSION if version else _STANDING, place)).first()
    if found:
        return found.version, Composition.model_validate(found.content)
    if version:
        raise not_found("composition version", "组成信息版本", version)
    raise Problem(
        404,
        "no_composition",
        Text(f"{call.government} has no composition yet", f"{call.government}尚未导入机构与人员"),
        Text(
            "load it with PUT /v1/composition; the template is at /v1/composition/template.xlsx",
            "请下载模板，填写后导入",
        ),
    )


async def get_composition(call: Call, version: int | None, on: date | None) -> CompositionView:
    """Content and version from one read: an ETag newer than its content would let a change be overwritten."""
    found, composition = await standing(call, version)
    return CompositionView(version=found, composition=composition if on is None else holding(composition, on))


async def get_workbook(call: Call, version: int | None, on: date | None) -> tuple[int, bytes]:
    """The composition as a workbook, whole or as valid on a day; with its version."""
    view = await get_composition(call, version, on)
    return view.version, await asyncio.to_thread(workbook.write, view.composition, titles_of(call))


async def get_template(call: Call) -> bytes:
    """A workbook without rows, as a template."""
    return await asyncio.to_thread(workbook.write, None, titles_of(call))


# versions -----------------------------------------------------------------------------------------------------------
async def list_versions(call: Call, part: Slice) -> Page[VersionView]:
    """Who loaded which version, when and why, newest first."""
    if part.after and not re.fullmatch(r"\d{1,9}", part.after, re.ASCII):
        raise invalid("invalid_cursor", "the cursor isn't one returned by this list", "游标无效")
    views = await _versions(call, int(part.after or _EVERY_VERSION), part.limit + 1)
    more = cursor_of(str(views[part.limit - 1].version)) if len(views) > part.limit else None
    return Page(items=views[: part.limit], next_cursor=more)


async def _versions(call: Call, before: int, limit: int) -> list[VersionView]:
    place = {"government": call.government, "before": before, "limit": limit}
    return [VersionView.model_validate(row) for row in await call.session.execute(_VERSIONS, place)]


async def get_changes(call: Call, before: int | None, after: int | None) -> CompositionChanges:
    """What changed between two versions; by default from the version before, to the current one."""
    current, _ = await standing(call)
    after = after or current
    before = after - 1 if before is None else before
    if before >= after:
        raise invalid(
            "not_before",
            f"version {before} (from) has to be earlier than version {after} (to)",
            f"起始版本{before}须早于截止版本{after}",
        )
    _, new = await standing(call, after)
    old = (await standing(call, before))[1] if before else None
    rows = await asyncio.to_thread(changes, old, new)
    return CompositionChanges(
        before=(await _versions(call, before + 1, 1))[0] if before else None,
        after=(await _versions(call, after + 1, 1))[0],
        rows=[ImportRowView.of(row) for row in rows],
    )


# posts and officials --------------------------------------------------------------------------------------------------
async def list_officials(call: Call, part: Slice, on: date | None, organisation: str | None) -> Page[OfficialView]:
    """The officials by id; with `on` those who hold a post on that day, with `organisation` those with a post in it."""
    _, people = await standing(call)
    wanted = [post for post in people.posts if on is None or post.holds(on)]
    if organisation:
        require_organisations(people, [organisation])
        wanted = [post for post in wanted if post.organisation == organisation]
    posts = {post.official for post in wanted}
    shown = [o for o in people.officials if o.id in posts or (on is None and organisation is None)]
    found, cursor = _sliced(shown, lambda official: official.id, part)
    return Page(items=[_official(people, official, on) for official in found], next_cursor=cursor)


async def get_official(call: Call, official_id: str, on: date | None) -> OfficialView:
    """One official's posts, portfolios and partners, over time or on a day. 404 `official_not_found`."""
    _, people = await standing(call)
    for official in people.officials:
        if official.id == official_id:
            return _official(people, official, on)
    raise not_found("official", "人员", official_id)


def _official(people: Composition, official: Official, on: date | None) -> OfficialView:
    def shown(dated: Sequence[Any]) -> list[Any]:
        return sorted((d for d in dated if on is None or d.holds(on)), key=lambda d: d.since)

    partners = [
        Partner(official=other, name=people.official_names[other], since=pair.since, until=pair.until)
        for pair in shown([pair for pair in people.pairs if official.id in (pair.a, pair.b)])
        for other in (pair.b if pair.a == official.id else pair.a,)
    ]
    return OfficialView(
        id=official.id,
        name=official.name,
        posts=[_held(people, post) for post in shown([p for p in people.posts if p.official == official.id])],
        portfolios=[
            InCharge(
                organisations=list(portfolio.organisations),
                organisation_names=[people.organisation_names[code] for code in portfolio.organisations],
                since=portfolio.since,
                until=portfolio.until,
            )
            for portfolio in shown([p for p in people.portfolios if p.official == official.id])
        ],
        pairs=partners,
    )


def _held(people: Composition, post: Post) -> PostHeld:
    return PostHeld(
        official=post.official,
        name=people.official_names[post.official],
        role=post.role,
        organisation=post.organisation,
        organisation_name=people.organisation_names[post.organisation],
        organisation_kind=people.organisation_kinds[post.organisation],
        title=post.title,
        since=post.since,
        until=post.until,
    )


async def list_posts(
    call: Call, part: Slice, on: date | None, role: str | None, organisation: str | None, sponsor: str | None
) -> PostList:
    """Who held which post on a day (by default today), by post or by a rule's role; some roles require the sponsor.

    Problems (422): `unknown_role`, `sponsor_needed`, `role_of_a_meeting`, `unknown_organisation`."""
    _, people = await standing(call)
    on = on or shanghai_day(call.now)
    require_organisations(people, [code for code in (organisation, sponsor) if code])
    held = [post for post in people.posts if post.holds(on)]
    officials: list[str] | None = None
    if role and role in PostRole.__members__ and not sponsor:
        held = [post for post in held if post.role == role]
        officials = list(dict.fromkeys(post.official for post in held))
    elif role:
        officials = list(people.holders(_rule_role(role, sponsor), on, context=RoleContext(sponsor=sponsor)))
        held = [post for post in held if post.official in frozenset(officials)]
    if organisation:
        held = [post for post in held if post.organisation == organisation]
    found, cursor = _sliced(held, _post_key, part)
    items = [_held(people, post) for post in found]
    return PostList(on=on, role=role, officials=officials, items=items, next_cursor=cursor)


def _post_key(post: Post) -> str:
    return f"{post.official} {post.role} {post.organisation} {post.since}"


def _rule_role(role: str, sponsor: str | None) -> Role:
    """The rule's role, if it is defined without a meeting and, where it depends on a sponsor, the sponsor is given."""
    if role not in Role.__members__:
        known = ", ".join(dict.fromkeys([*PostRole, *Role]))
        raise invalid("unknown_role", f"no role {role!r}; known: {known}", f"没有职务或角色“{role}”，可用：{known}")
    if role in OF_A_CHAIR | OF_AN_ENTRUSTMENT:
        raise invalid("role_of_a_meeting", f"the holder of {role} depends on a meeting", "该角色以具体会议为准")
    if role in OF_A_UNIT and not sponsor:
        text = f"the holder of {role} depends on the sponsoring organisation; state it as sponsor"
        raise invalid("sponsor_needed", text, "该角色因主办单位而异，请注明主办单位")
    return Role(role)


# paging ---------------------------------------------------------------------------------------------------------------
def _sliced(items: Sequence[T], key: Callable[[T], str], part: Slice) -> tuple[list[T], str | None]:
    """The items after the cursor in the order of their keys, and the next cursor if there are more."""
    left = sorted((item for item in items if part.after is None or key(item) > part.after), key=key)
    return left[: part.limit], cursor_of(key(left[part.limit - 1])) if len(left) > part.limit else None


def cursor_of(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def after_cursor(cursor: str) -> str:
    """The key in a cursor. 422 `invalid_cursor`."""
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise invalid("invalid_cursor", "the cursor isn't one returned by this list", "游标无效") from error
