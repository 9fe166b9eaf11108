"""Consultation (征求意见、会前协调) on a topic: what each department concerned says, how a disagreement is settled, and the
form that the principals sign once they agree.

Invariants: a department's newest position counts; a disagreement is coordinated only after the sponsor has set down each
side's grounds, its own among them, and a preferred opinion; nobody signs while one is open. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from zhengling.kernel.errors import Text, refusal
from zhengling.rules.meetings import Consultation


class Stance(StrEnum):
    """What a department says to a topic."""

    agrees = "agrees"
    agrees_with_changes = "agrees_with_changes"
    objects = "objects"


@dataclass(frozen=True)
class Position:
    """What one department concerned says, on which grounds, and who said so."""

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
    """What came of coordinating: agreed, or not; `decided` where somebody above the coordinator settled it."""

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
    """Who was asked and hasn't said anything."""
    said = newest(positions)
    return [organisation for organisation in concerned if organisation not in said]


def objecting(concerned: list[str], positions: list[Position]) -> list[str]:
    return [o for o, p in newest(positions).items() if o in concerned and p.stance == Stance.objects]


def settled(coordinations: list[Coordination], objections: list[str], positions: list[Position]) -> bool:
    """Whether the newest coordination settled the objections, and came after the last of them."""
    if not objections:
        return True
    if not coordinations:
        return False
    last, said = coordinations[-1], newest(positions)
    return (last.agreed or last.decided) and all(said[o].recorded_at <= last.recorded_at for o in objections)


def require_consulted(clause: str, concerned: list[str], positions: list[Position], names: dict[str, str]) -> None:
    """Refusal `not_consulted` names whoever hasn't said anything yet."""
    if waiting := silent(concerned, positions):
        who, who_zh = ", ".join(names[o] for o in waiting), "、".join(names[o] for o in waiting)
        raise refusal(
            "not_consulted",
            clause,
            f"not asked or without an answer: {who}",
            f"尚未征求或未回复意见：{who_zh}",
            Text(f"have {who} give a position", f"请{who_zh}提出意见"),
            waiting=waiting,
        )


def require_settled(
    rules: Consultation | None,
    concerned: list[str],
    positions: list[Position],
    coordinations: list[Coordination],
    names: dict[str, str],
) -> None:
    """Refusal `disagreement_open` while somebody objects and nobody has settled it; only where the rules ask for it."""
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
        f"{who} objects, and that isn't settled",
        f"{who_zh}有不同意见，尚未协调一致",
        Text(
            f"set down each side's grounds and a preferred opinion, then {' or '.join(roles)} coordinates",
            "请列明各方理据、提出倾向性意见后报请协调",
        ),
        objecting=objections,
    )


def sides(sponsor: str, concerned: list[str], positions: list[Position]) -> list[str]:
    """Whose grounds a note sets down: the sponsor's own, and those of everybody who objects (HC-49, ST-24)."""
    return [sponsor, *objecting(concerned, positions)]


def require_note(rules: Consultation, note: CoordinationNote | None, sides: list[str], names: dict[str, str]) -> None:
    """Refusals `nothing_to_coordinate`; `coordination_note_missing` unless each side's grounds stand in it."""
    assert rules.disagreement is not None
    if len(sides) < 2:
        raise refusal(
            "nothing_to_coordinate",
            rules.disagreement.clause,
            "nobody objects",
            "各方无不同意见",
            Text("go on with the topic's chain", "可继续办理"),
        )
    require_each_side(rules.disagreement.clause, note, sides, names)


def require_each_side(clause: str, note: CoordinationNote | None, sides: list[str], names: dict[str, str]) -> None:
    """Refusal `coordination_note_missing` unless the grounds of each of these sides stand in the note."""
    lacking = [side for side in sides if note is None or not note.grounds.get(side)]
    if lacking:
        en, zh = ", ".join(names[o] for o in lacking), "、".join(names[o] for o in lacking)
        raise refusal(
            "coordination_note_missing",
            clause,
            f"no note sets down the grounds of {en}",
            f"协调说明未列明{zh}的理据",
            Text(f"have the sponsor set down the grounds of {en}", f"请主办部门在协调说明中列明{zh}的理据"),
            lacking=lacking,
        )


def signatories(sponsor: str, concerned: list[str]) -> list[str]:
    """Whose principals sign the topic form."""
    return list(dict.fromkeys([sponsor, *concerned]))


def require_signed(
    clause: str, sponsor: str, concerned: list[str], signatures: list[Signature], names: dict[str, str]
) -> None:
    """Refusal `topic_form_unsigned` names whose principals haven't signed."""
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
