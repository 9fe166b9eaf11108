"""Consultation (征求意见、会前协调): the positions of the organisations concerned, and how a disagreement is settled.

Invariants: an organisation's newest position counts; `deemed` is given by the system alone, to those silent beyond the time
limit, and is no consent; a disagreement is coordinated only after the sponsor has recorded each side's grounds, including its
own, and a preferred opinion. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from zhengling.kernel.errors import Text, refusal
from zhengling.rules.meetings import Consultation
from zhengling.rules.vocabulary import CHINESE, glossary


class Stance(StrEnum):
    """An organisation's position. `deemed`: silent beyond the time limit, which counts as no objection (视为无不同意见)."""

    agrees = "agrees"
    agrees_with_changes = "agrees_with_changes"
    objects = "objects"
    deemed = "deemed"


CHINESE |= glossary(
    (Stance.agrees, "同意"), (Stance.agrees_with_changes, "修改后同意"), (Stance.objects, "不同意"),
    (Stance.deemed, "视为无不同意见"),
)  # fmt: skip
#: What an organisation can state.
StatedStance = Literal[Stance.agrees, Stance.agrees_with_changes, Stance.objects]


@dataclass(frozen=True)
class Position:
    """The position of one organisation concerned, its grounds, and who recorded it: nobody where it is deemed, under `clause`."""

    organisation: str
    stance: Stance
    grounds: str
    official: str | None
    occurred_at: datetime
    recorded_at: datetime
    clause: str | None = None


def deemed(
    concerned: list[str], positions: list[Position], clause: str, due_at: datetime, now: datetime
) -> list[Position]:
    """The positions that those silent when the time limit ended at `due_at` have by this rule; none before it has ended."""
    if now < due_at:
        return []
    return [Position(each, Stance.deemed, "", None, due_at, now, clause) for each in silent(concerned, positions)]


@dataclass(frozen=True)
class CoordinationNote:
    """The sponsor's note on a disagreement (协调说明): each side's grounds, and the opinion that it prefers."""

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
