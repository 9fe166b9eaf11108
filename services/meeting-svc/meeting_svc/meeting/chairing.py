"""Who chairs a meeting (主持): by post, by portfolio, or entrusted.

Invariants: only a lawful chair chairs; an official who may chair only by entrustment acts as the chair only once
entrusted; only the giver of an entrustment replaces it, and replaced ones are kept. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from meeting_svc.meeting import timeline
from meeting_svc.meeting.meeting import (
    GRANTED,
    PREPARED,
    Meeting,
    MeetingState,
    require_state,
    sponsors_of,
)
from meeting_svc.meeting.record import OF_A_MEETING, Entrustment, Recorded
from zhengling.authority.composition import Acting, Composition, Permission, RoleContext
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.chains import Actor, actors_of
from zhengling.rules.conditions import Facts
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.tables import values
from zhengling.rules.vocabulary import Outcome, Role


def may_chair(
    kind: MeetingKind, composition: Composition, official: str, on: date, facts: Facts, sponsors: list[str]
) -> Acting | None:
    """In what capacity the official may chair; None if not at all. A chair by portfolio needs one that covers every
    sponsor; any portfolio will do before a topic is known."""
    if not sponsors:
        ways = [
            composition.may_act(official, kind.chair, on, facts, context=RoleContext(sponsor=s))
            for s in composition.organisation_names
        ]
        return next((way for way in ways if way), None)
    ways = [
        composition.may_act(official, kind.chair, on, facts, context=RoleContext(sponsor=sponsor))
        for sponsor in sponsors
    ]
    return ways[0] if all(ways) else None


def chair_facts(meeting: Meeting, official: str) -> Facts:
    return {"entrusted": meeting.entrustment is not None and meeting.entrustment.to == official}


def require_chair(meeting: Meeting, kind: MeetingKind, composition: Composition, official: str, on: date) -> Acting:
    """In what capacity the official chairs. Problem 403 `not_a_lawful_chair` names the lawful chairs."""
    facts, sponsors = chair_facts(meeting, official), sponsors_of(meeting)
    if acting := may_chair(kind, composition, official, on, facts, sponsors):
        return acting
    uncovered = next(
        (
            s
            for s in sponsors
            if not composition.may_act(official, kind.chair, on, facts, context=RoleContext(sponsor=s))
        ),
        None,
    )
    act = Text(f"chair {kind.name}", f"主持{kind.name}")
    return composition.require(
        official,
        on,
        Permission(
            kind.chair,
            act,
            code="not_a_lawful_chair",
            clause=kind.clause,
            facts=facts,
            besides=who_else_chairs(meeting, kind, composition),
            context=RoleContext(sponsor=uncovered),
        ),
    )


def entrustable(kind: MeetingKind) -> list[Actor]:
    """The actors who may chair this kind once entrusted."""
    return [actor for actor in kind.chair if True in values(actor.when.get("entrusted"))]


def who_else_chairs(meeting: Meeting, kind: MeetingKind, composition: Composition) -> Text | None:
    """The official entrusted with chairing, or who may entrust whom, among those present on the day (ST-38, HC-43)."""
    on = meeting.day
    if meeting.entrustment:
        (name,) = composition.names([meeting.entrustment.to])
        return Text(f"{name} is entrusted with chairing", f"已委托{name}主持")
    granted = {leave.official for leave in meeting.leaves if leave.state in GRANTED}
    actors = entrustable(kind)
    found = composition.members([actor.role for actor in actors], on)
    there = [each for each in found if each not in granted and not composition.absent(each, on)]
    if not there:
        return None
    by, to = composition.names(entrusters(kind, composition, on)), composition.names(there)
    return Text(
        f"{' or '.join(by)} may entrust {' or '.join(to)} with chairing", f"可由{'或'.join(by)}委托{'或'.join(to)}主持"
    )


def entrusters(kind: MeetingKind, composition: Composition, on: date) -> list[str]:
    """The officials who may entrust somebody with chairing on that day; stand-ins for absent ones."""
    return list(dict.fromkeys(each for role in kind.entrusted_by for each in composition.who_may(role, on)))


def chair_waits(
    kind: MeetingKind, composition: Composition, official: str, on: date, sponsors: list[str], *, entrusted: bool
) -> bool:
    """Whether the official may chair only by entrustment and isn't entrusted yet."""
    by_post = may_chair(kind, composition, official, on, {"entrusted": False}, sponsors)
    could = may_chair(kind, composition, official, on, {"entrusted": True}, sponsors)
    return not entrusted and by_post is None and could is not None


def require_entrusted(
    kind: MeetingKind, composition: Composition, official: str, on: date, sponsors: list[str], *, entrusted: bool
) -> None:
    """Refusal `chair_not_entrusted` for a chair who needs an entrustment and hasn't got one: until then they may not
    act as the chair (HC-45, DL-40). Officials who may not chair at all are refused elsewhere."""
    if not chair_waits(kind, composition, official, on, sponsors, entrusted=entrusted):
        return
    name, by = *composition.names([official]), composition.names(entrusters(kind, composition, on))
    raise refusal(
        "chair_not_entrusted",
        kind.clause,
        f"{name} may chair {kind.name} only by entrustment, and isn't entrusted yet",
        f"{name}须经委托方可主持{kind.name}，目前尚未受委托",
        Text(
            f"have {' or '.join(by)} entrust {name} with chairing the meeting",
            f"请{'或'.join(by)}就该次会议委托{name}主持",
        ),
    )


def require_entrusted_chair(
    meeting: Meeting, kind: MeetingKind, composition: Composition, acting: Acting, official: str
) -> None:
    """As `require_entrusted`, for an act as the chair of a meeting that isn't open yet."""
    if acting.role == Role.chair and meeting.state in PREPARED:
        chair = acting.on_behalf_of or official
        entrusted = bool(chair_facts(meeting, chair)["entrusted"])
        require_entrusted(kind, composition, chair, meeting.day, sponsors_of(meeting), entrusted=entrusted)


def waits_for_entrustment(meeting: Meeting, kind: MeetingKind, composition: Composition, chair: str) -> bool:
    """As `chair_waits`, for a meeting."""
    entrusted = bool(chair_facts(meeting, chair)["entrusted"])
    return chair_waits(kind, composition, chair, meeting.day, sponsors_of(meeting), entrusted=entrusted)


def planned_chair(meeting: Meeting, kind: MeetingKind, composition: Composition) -> str | None:
    """The chair, present or planned: who chairs now, else the entrusted, else the planned one, else the only one
    entitled by post."""
    if meeting.chair or meeting.entrustment or meeting.convener:
        return meeting.chair or (meeting.entrustment.to if meeting.entrustment else meeting.convener)
    for actor in kind.chair:
        sponsor = next(iter(sponsors_of(meeting)), None)
        holders = (
            composition.who_may(actor.role, meeting.day, context=RoleContext(sponsor=sponsor)) if not actor.when else ()
        )
        if len(holders) == 1:
            return holders[0]
    return None


def entrust(
    meeting: Meeting,
    composition: Composition,
    kind: MeetingKind,
    official: str | None,
    entrustment: Entrustment,
    on: date,
) -> None:
    """Entrust an official with chairing; in an open session, with taking over the chair. 403 `not_the_head`
    (`not_an_entrusting_leader` where the rule names others as well); 409 `cannot_be_entrusted` for an official whom the
    rulebook doesn't admit as an entrusted chair, `chairs_by_entrustment` while an entrusted chair presides,
    `entrusted_by_another` unless the giver of the existing entrustment, or the head, replaces it."""
    require_state(meeting, *PREPARED, MeetingState.open)
    act = Text("entrust somebody with chairing", "委托主持会议")
    actors = actors_of(kind.entrusted_by)
    code = "not_the_head" if kind.entrusted_by == (Role.head,) else "not_an_entrusting_leader"
    acting = composition.require(official, on, Permission(actors, act, code=code, clause=kind.clause))
    if composition.may_act(entrustment.to, entrustable(kind), on, {"entrusted": True}) is None:
        who = composition.names(composition.members([actor.role for actor in entrustable(kind)], on))
        name = composition.official_names.get(entrustment.to, entrustment.to)
        raise refusal(
            "cannot_be_entrusted",
            kind.clause,
            f"{name} may not be entrusted with chairing {kind.name}",
            f"{name}不在可受委托主持{kind.name}的人员范围内",
            Text(
                f"entrust {', '.join(who) or 'nobody: this kind is chaired by post only'}",
                f"可委托：{'、'.join(who) or '无，此类会议只能依职务主持'}",
            ),
        )
    if meeting.chair and meeting.entrustment and meeting.entrustment.to == meeting.chair:
        raise refusal(
            "chairs_by_entrustment",
            kind.clause,
            "an entrusted chair already presides over the session",
            "本次会议已由受委托的领导主持",
            Text("have an official who may chair by post take over", "可由依职务有权主持的领导接替主持"),
        )
    if meeting.entrustment:
        _require_own(meeting.entrustment, kind, composition, acting, entrustment.by)
        kept = appended(meeting.earlier_entrustments, meeting.entrustment, bound=OF_A_MEETING)
        meeting.earlier_entrustments = kept
    meeting.entrustment = entrustment


def _require_own(given: Entrustment, kind: MeetingKind, composition: Composition, acting: Acting, by: str) -> None:
    if by == given.by or acting.role == Role.head:
        return
    to, giver = composition.names([given.to, given.by])
    raise refusal(
        "entrusted_by_another",
        kind.clause,
        f"{giver} has entrusted {to} with chairing this meeting",
        f"{giver}已就本次会议委托{to}主持",
        Text(f"only {giver} or the head may entrust somebody else", f"另行委托须由{giver}或政府主要负责人办理"),
        entrusted_by=given.by,
        entrusted=given.to,
    )


def presided(meeting: Meeting) -> str | None:
    """Whose meeting it was: the first chair under whom something was decided; if nothing was, the chair who opened it.
    That chair signs the minutes (HC-53, DL-39, XG-33). A deferral isn't a decision."""
    decided = (each for each in timeline.standing(meeting) if _decides(each))
    opened = meeting.handovers[0].chair if meeting.handovers else meeting.chair
    return next((each.chair for each in decided), opened)


def _decides(recorded: Recorded) -> bool:
    return recorded.resolution is not None and recorded.resolution.outcome != Outcome.deferred


def chaired(meeting: Meeting) -> Iterator[str]:
    """Everybody who chaired the session, in order; the first opened it."""
    yield from (each.chair for each in meeting.handovers)
    if meeting.handovers:
        yield meeting.handovers[-1].to
    elif meeting.chair:
        yield meeting.chair
