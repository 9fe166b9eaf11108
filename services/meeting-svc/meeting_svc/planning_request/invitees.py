"""Invitees of a request: whom a rule covers, and invitations that were sent.

Invariant: invitations are sent only after the approval, and only to the approved invitees. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable

from meeting_svc.planning_request.planning_request import (
    Action,
    Guest,
    Invitation,
    PlanningRequest,
    require_approval_before,
)
from zhengling.authority.composition import Composition, OrganisationKind, PostRole, RoleContext
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.planning import Group, InviteeRule, RequestType
from zhengling.rules.vocabulary import Role

_LEADERS = (
    PostRole.head, PostRole.executive_deputy, PostRole.deputy, PostRole.party_group_member, PostRole.secretary_general,
)  # fmt: skip


def invited_by(
    rule: InviteeRule,
    request: PlanningRequest,
    invitees: Iterable[str],
    guests: Iterable[Guest],
    composition: Composition,
) -> tuple[list[str], list[str]]:
    """The officials and guests covered by the rule, by the posts held on the planned day."""
    meant: set[str] = set()
    for group in rule.groups:
        meant |= _members(group, request, composition)
    if rule.except_own:
        meant -= set(composition.of_organisation(request.sponsor, request.day, principal=True))
    officials = [official for official in invitees if official in meant]
    return officials, [guest.name for guest in guests if guest.group in rule.groups]


def _members(group: Group, request: PlanningRequest, composition: Composition) -> set[str]:
    day, kinds = request.day, composition.organisation_kinds
    match group:
        case Group.leaders:
            return set(composition.with_post(_LEADERS, day)) - {request.led_by or ""}
        case Group.town_and_street_principals:
            return set(composition.holders(Role.town_and_street_principals, day))
        case Group.regional_heads:
            return {
                p.official
                for p in composition.posts
                if p.role == PostRole.principal
                and p.holds(day)
                and kinds[p.organisation] == OrganisationKind.dispatched_organ
            }
        case Group.outside_portfolio:
            own = {request.sponsor} | _portfolio(request, composition)
            return {
                p.official
                for p in composition.posts
                if p.role == PostRole.principal and p.holds(day) and p.organisation not in own
            }


def _portfolio(request: PlanningRequest, composition: Composition) -> set[str]:
    """The organisations in the portfolio of the meeting's leader, or of the deputy in charge of the sponsor."""
    deputies = (
        (request.led_by,)
        if request.led_by
        else composition.holders(Role.deputy_in_charge, request.day, context=RoleContext(sponsor=request.sponsor))
    )
    return {
        code
        for portfolio in composition.portfolios
        if portfolio.official in deputies and portfolio.holds(request.day)
        for code in portfolio.organisations
    }


def invite(request: PlanningRequest, kind: RequestType, composition: Composition, invitation: Invitation) -> None:
    """Record invitations that were sent. 409 `not_approved` (with the clause of the rule on invitees),
    `not_among_the_approved`."""
    clause = next((r.clause for r in kind.invitees if _speaks_of(r, request, invitation, composition)), kind.clause)
    require_approval_before(request, Action.invite, Text("inviting", "邀请参会"), clause, invitation.occurred_at)
    known = {*request.invitees, *(guest.name for guest in request.guests)}
    if beyond := [one for one in (*invitation.officials, *invitation.guests) if one not in known]:
        names = composition.names(beyond)
        raise refusal(
            "not_among_the_approved",
            clause,
            f"not among the approved invitees: {', '.join(names)}",
            f"超出批准的邀请范围：{'、'.join(names)}",
            Text("submit a request that lists them as invitees", "请另行报批"),
        )
    request.invitations = [*request.invitations, invitation]


def _speaks_of(rule: InviteeRule, request: PlanningRequest, invitation: Invitation, composition: Composition) -> bool:
    guests = [guest for guest in request.guests if guest.name in invitation.guests]
    return any(invited_by(rule, request, invitation.officials, guests, composition))
