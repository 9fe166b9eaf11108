"""Consultation (征求意见、会前协调) on a topic: the positions of the departments concerned, how a disagreement is settled,
and the form that the principals sign once they agree.

Invariants: a department's newest position counts; a disagreement is coordinated only after the sponsor has recorded each
side's grounds, including its own, and a preferred opinion; no form is signed while a disagreement is open. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from zhengling.kernel.errors import Text, refusal
from zhengling.rules.meetings import Consultation


class Stance(StrEnum):
    """A department's position on a topic."""

    agrees = "agrees"
    agrees_with_changes = "agrees_with_changes"
    objects = "objects"


@dataclass(frozen=True)
class Position:
    """The position of one department concerned, its grounds, and who recorded it."""

    organisation: str
    stance: Stance
    grounds: str
    official: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class CoordinationNote:
    """The sponsor's note on a disagreement (协调说明): each side's grounds, and the opinion it prefers."""

    grounds: dict[str, str]
    preferred: str
    official: str
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Coordination:
    """The result of a coordination: agreed or not; `decided` where a superior of the coordinator settled it."""

    agreed: bool
    opinion: str
    official: str
    role: str
    decided: bool
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Signature:
    """A principal's signature on the topic form, for one organisation."""

    organisation: str
    official: str
    occurred_at: datetime
    recorded_at: datetime
    on_behalf_of: str | None = None
    under: str | None = None


def newest(positions: list[Position]) -> dict[str, Position]:
    return {position.organisation: position for position in positions}


def silent(concerned: list[str], positions: list[Position]) -> list[str]:
    """The organisations that were asked and haven't answered."""
    latest = newest(positions)
    return [organisation for organisation in concerned if organisation not in latest]


def objecting(concerned: list[str], positions: list[Position]) -> list[str]:
    return [o for o, p in newest(positions).items() if o in concerned and p.stance == Stance.objects]


def settled(coordinations: list[Coordination], objections: list[str], positions: list[Position]) -> bool:
    """Whether the newest coordination settled the objections and is later than the last of them."""
    if not objections:
        return True
    if not coordinations:
        return False
    coordination, latest = coordinations[-1], newest(positions)
    return (coordination.agreed or coordination.decided) and all(
        latest[o].recorded_at <= coordination.recorded_at for o in objections
    )


def require_consulted(clause: str, concerned: list[str], positions: list[Position], names: dict[str, str]) -> None:
    """Refusal `not_consulted` names the organisations that haven't answered."""
    if waiting := silent(concerned, positions):
        who, who_zh = ", ".join(names[o] for o in waiting), "、".join(names[o] for o in waiting)
        raise refusal(
            "not_consulted",
            clause,
            f"not consulted, or no position received: {who}",
            f"尚未征求或未回复意见：{who_zh}",
            Text(f"have {who} state a position", f"请{who_zh}提出意见"),
            waiting=waiting,
        )


def require_settled(
    rules: Consultation | None,
    concerned: list[str],
    positions: list[Position],
    coordinations: list[Coordination],
    names: dict[str, str],
) -> None:
    """Refusal `disagreement_open` while an objection isn't settled; only where the rules require it."""
    if rules is None or rules.disagreement is None:
        return
    objections = objecting(concerned, positions)
    if settled(coordinations, objections, positions):
        return
    who, who_zh = ", ".join(names[o] for o in objections), "、".join(names[o] for o in objections)
    roles = [*rules.disagreement.coordinate, *rules.disagreement.decide]
    raise refusal(
        "disagreement_open",
        rules.disagreement.clause,
        f"the objection of {who} isn't settled",
        f"{who_zh}有不同意见，尚未协调一致",
        Text(
            f"record each side's grounds and a preferred opinion, then have it coordinated by {' or '.join(roles)}",
            "请列明各方理据、提出倾向性意见后报请协调",
        ),
        objecting=objections,
    )


def sides(sponsor: str, concerned: list[str], positions: list[Position]) -> list[str]:
    """Whose grounds a note has to contain: the sponsor's, and those of every organisation that objects (HC-49, ST-24)."""
    return [sponsor, *objecting(concerned, positions)]


def require_note(rules: Consultation, note: CoordinationNote | None, sides: list[str], names: dict[str, str]) -> None:
    """Refusals `nothing_to_coordinate`; `coordination_note_missing` unless the note contains each side's grounds."""
    assert rules.disagreement is not None
    if len(sides) < 2:
        raise refusal(
            "nothing_to_coordinate",
            rules.disagreement.clause,
            "no organisation objects",
            "各方无不同意见",
            Text("continue with the topic's chain", "可继续办理"),
        )
    require_each_side(rules.disagreement.clause, note, sides, names)


def require_each_side(clause: str, note: CoordinationNote | None, sides: list[str], names: dict[str, str]) -> None:
    """Refusal `coordination_note_missing` unless the note contains the grounds of each of these sides."""
    lacking = [side for side in sides if note is None or not note.grounds.get(side)]
    if lacking:
        en, zh = ", ".join(names[o] for o in lacking), "、".join(names[o] for o in lacking)
        raise refusal(
            "coordination_note_missing",
            clause,
            f"no coordination note contains the grounds of {en}",
            f"协调说明未列明{zh}的理据",
            Text(f"have the sponsor record the grounds of {en} in the note", f"请主办部门在协调说明中列明{zh}的理据"),
            lacking=lacking,
        )


def signatories(sponsor: str, concerned: list[str]) -> list[str]:
    """The organisations whose principals sign the topic form."""
    return list(dict.fromkeys([sponsor, *concerned]))


def require_signed(
    clause: str, sponsor: str, concerned: list[str], signatures: list[Signature], names: dict[str, str]
) -> None:
    """Refusal `topic_form_unsigned` names the organisations whose principals haven't signed."""
    signed = {signature.organisation for signature in signatures}
    if lacking := [o for o in signatories(sponsor, concerned) if o not in signed]:
        who, who_zh = ", ".join(names[o] for o in lacking), "、".join(names[o] for o in lacking)
        raise refusal(
            "topic_form_unsigned",
            clause,
            f"the topic form lacks the signatures of the principals of {who}",
            f"议题提报单尚缺{who_zh}主要负责人签字",
            Text(f"have the principals of {who} sign it", f"请{who_zh}主要负责人签字"),
            lacking=lacking,
        )
