"""What officials are called and in which order they are named, in documents and in texts for clerks. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from zhengling.authority.composition import Composition, OrganisationKind, Post, PostRole
from zhengling.rules.rulebook import Titles

#: The order of posts in a list of names. Officials whose highest posts are of one rank are named in the order in which the
#: composition lists these posts (任职名单的顺序).
RANKS = (
    PostRole.head,
    PostRole.party_secretary,
    PostRole.executive_deputy,
    PostRole.deputy,
    PostRole.party_group_member,
    PostRole.secretary_general,
    PostRole.deputy_secretary_general,
    PostRole.office_director,
    PostRole.office_deputy_director,
    PostRole.principal,
    PostRole.deputy_principal,
    PostRole.staff,
)
_RANK = {role: n for n, role in enumerate(RANKS)}
_PARTY = (PostRole.party_secretary, PostRole.party_group_member)


def own_titles(titles: Titles) -> dict[PostRole, str]:
    """A government's own titles of the posts for which its rulebook has one."""
    own = {
        PostRole.head: titles.head,
        PostRole.executive_deputy: titles.executive_deputy,
        PostRole.deputy: titles.deputies,
        PostRole.office_director: titles.office_director,
        PostRole.secretary_general: titles.secretary_general,
    }
    return {role: title for role, title in own.items() if title}


def in_order(composition: Composition, officials: Iterable[str], on: date) -> list[str]:
    """The officials by rank and by the order of their posts on that day; those without a post last, as given."""
    places: dict[str, tuple[int, int]] = {}
    for n, post in enumerate(composition.posts):
        if post.holds(on):
            place = _RANK[post.role], n
            places[post.official] = min(place, places.get(post.official, place))
    last = len(RANKS), 0
    return sorted(officials, key=lambda official: places.get(official, last))


def styled(composition: Composition, titles: Titles, official: str, on: date) -> str:
    """The name with unit and title before it: 区长某某, 区财政局局长某某, of staff only the unit. A post in the government
    goes before one in its party group."""
    name = composition.official_names.get(official, official)
    held = [post for post in composition.posts if post.official == official and post.holds(on)]
    if not held:
        return name
    post = min(held, key=lambda each: (each.role in _PARTY, _RANK[each.role]))
    return f"{_unit_and_title(composition, titles, post)}{name}"


def _unit_and_title(composition: Composition, titles: Titles, post: Post) -> str:
    title = "" if post.role == PostRole.staff else post.title or own_titles(titles).get(post.role, "")
    if composition.organisation_kinds[post.organisation] == OrganisationKind.government:
        return title
    unit = composition.organisation_names[post.organisation]
    # a title may repeat the end of the unit's name: 某某街道办事处, 街道办事处主任
    shared = next((n for n in range(min(len(unit), len(title)), 1, -1) if unit.endswith(title[:n])), 0)
    return unit + title[shared:]
