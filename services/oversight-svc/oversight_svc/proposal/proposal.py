"""A proposal against a unit that was urged repeatedly or delays for long: criticism, a circular or an interview.

Invariants: a proposal is accepted or declined by a person, with reasons, and never by itself; a matter has one that waits at
most. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from oversight_svc.entry.entry import Entry, require_running
from zhengling.authority.composition import Permission
from zhengling.events.meeting import Unit
from zhengling.kernel.errors import Text, invalid, refusal
from zhengling.kernel.states import States
from zhengling.rules.chains import actors_of
from zhengling.rules.supervision import Censure, Proposals
from zhengling.rules.vocabulary import in_chinese


class ProposalState(StrEnum):
    waiting = "waiting"
    accepted = "accepted"
    declined = "declined"


STATES = States(
    {
        ProposalState.waiting: "待决定",
        ProposalState.accepted: "已采纳",
        ProposalState.declined: "未采纳",
    }
)


@dataclass
class Proposal:
    """`among` is what may be done; `censure` what was decided, None while it waits and if it was declined."""

    id: str
    government: str
    edition: str
    entry_id: str
    number: str
    unit: Unit
    among: list[Censure]
    reason_en: str
    reason_zh: str
    clause: str
    made_at: datetime
    state: ProposalState = ProposalState.waiting
    censure: Censure | None = None
    decision: str = ""
    decided_by: str | None = None
    on_behalf_of: str | None = None
    decided_at: datetime | None = None
    version: int = 1
    modified_at: datetime | None = None


def who_decides(rules: Proposals) -> Permission:
    act = Text("decide on this proposal", "决定是否采纳该建议")
    return Permission(actors_of(rules.by), act, code="not_the_decider", clause=rules.clause)


def require_waiting(proposal: Proposal) -> None:
    """409 `illegal_state`."""
    STATES.require(proposal.state, (ProposalState.waiting,), Text("the proposal", "该建议"), proposal.clause)


def require_grounds(entry: Entry, clause: str) -> None:
    """409 `illegal_state`, `done_in_time`: nobody is censured for a matter that has ended, or was done in time."""
    require_running(entry, Text("the matter", "该事项"), clause)
    if entry.met_at and not entry.late:
        raise refusal(
            "done_in_time",
            clause,
            f"{entry.number} was reported as done in time",
            f"{entry.number}已按时报告办结",
            Text("decline the proposal", "请不予采纳"),
        )


def decide(proposal: Proposal, censure: Censure | None, reason: str) -> None:
    """Accept the proposal with one of its measures, or decline it (None). 422 `not_proposed`."""
    if censure is not None and censure not in proposal.among:
        raise invalid(
            "not_proposed",
            f"{censure.value} isn't proposed; it can be {', '.join(proposal.among)}",
            f"未建议{in_chinese(censure)}；可选：{in_chinese(*proposal.among)}",
        )
    proposal.state = ProposalState.accepted if censure else ProposalState.declined
    proposal.censure, proposal.decision = censure, reason
