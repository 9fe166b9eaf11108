"""Succession of a chair or entrusting leader named in a meeting's record who has left office.

Invariant: while they hold any post, only a stand-in for an absence acts for them. Afterwards it is the present holder
of the post in virtue of which they acted; if there is none, or several, the government's head (decision 0013). Pure: no
I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from meeting_svc.meeting.chairing import chair_facts, planned_chair
from meeting_svc.meeting.meeting import Meeting, sponsors_of, step_context
from zhengling.authority.chain import Succession
from zhengling.authority.composition import Acting, Composition, RoleContext
from zhengling.kernel.instants import shanghai_day
from zhengling.rules.chains import Actor
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Role


@dataclass(frozen=True)
class Places:
    """The holders of the roles sponsor, chair and entrusting leader in a meeting's chains on a day, and whom they
    succeed."""

    context: RoleContext
    succeeded: dict[Role, Succession]

    @property
    def chair(self) -> str | None:
        return self.context.chair


def places(meeting: Meeting, kind: MeetingKind, composition: Composition, on: date) -> Places:
    """The holders of these roles; from the opening on, a successor for one who has left office since."""
    context = step_context(meeting, planned_chair(meeting, kind, composition))
    chair, entrusting, succeeded = context.chair, context.entrusting, dict[Role, Succession]()
    if meeting.opened_at and chair and not composition.serves(chair, on):
        acted = chaired_by(meeting, kind, composition, chair)
        chair, succeeded[Role.chair] = _after(chair, composition, acted, meeting, on)
    if meeting.opened_at and entrusting and not composition.serves(entrusting, on):
        acted = _entrusted_by(meeting, kind, composition)
        entrusting, succeeded[Role.entrusting_leader] = _after(entrusting, composition, acted, meeting, on)
    return Places(RoleContext(context.sponsor, chair, entrusting), succeeded)


def chaired_by(meeting: Meeting, kind: MeetingKind, composition: Composition, official: str) -> Acting | None:
    """In what capacity an official who chaired the meeting did so."""
    assert meeting.opened_at
    facts = chair_facts(meeting, official)
    sponsor = step_context(meeting, official).sponsor
    return composition.may_act(
        official, kind.chair, shanghai_day(meeting.opened_at), facts, context=RoleContext(sponsor=sponsor)
    )


def _entrusted_by(meeting: Meeting, kind: MeetingKind, composition: Composition) -> Acting | None:
    """In what capacity the entrusting leader entrusted the chair."""
    given = meeting.entrustment
    if given is None:
        return None
    actors = [Actor(role=role) for role in kind.entrusted_by]
    return composition.may_act(given.by, actors, shanghai_day(given.occurred_at), {})


def _after(
    gone: str, composition: Composition, acted: Acting | None, meeting: Meeting, on: date
) -> tuple[str | None, Succession]:
    """The present holder of the post by virtue of which the departed official acted; else the head, if there is one."""
    left_on = _last_day(composition, gone)
    if acted and len(found := _holders(composition, acted.role, sponsors_of(meeting), on)) == 1:
        return found.pop(), Succession(gone, acted.role, left_on)
    return next(iter(composition.holders(Role.head, on)), None), Succession(gone, Role.head, left_on)


def _holders(composition: Composition, role: Role, sponsors: list[str], on: date) -> set[str]:
    """The holders of a role; if there are several, those whose portfolio covers all sponsors of the meeting's topics,
    as the portfolio distinguishes one deputy's post from another's."""
    found = set(composition.holders(role, on))
    if role == Role.deputy_in_charge or len(found) > 1:
        in_charge = [
            set(composition.holders(Role.deputy_in_charge, on, context=RoleContext(sponsor=sponsor)))
            for sponsor in sponsors
        ]
        charged = set.intersection(*in_charge) if in_charge else set()
        found = charged if role == Role.deputy_in_charge else found & charged
    return found


def _last_day(composition: Composition, official: str) -> date | None:
    """The last day of the official's posts, if they are on record."""
    ends = [post.until for post in composition.posts if post.official == official and post.until]
    return max(ends, default=None)
