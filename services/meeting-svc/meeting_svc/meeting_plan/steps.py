"""The steps of planning, of plans and requests alike: actors, meetings that decide, lawful decisions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meeting_svc.decision.decision import Decision, Standing
from meeting_svc.meeting.meeting import Meeting, MeetingState
from zhengling.authority.chain import Taken
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.rules.planning import CHINESE, Ask, Planning, PlanStep
from zhengling.rules.vocabulary import Role, in_chinese


@dataclass(frozen=True)
class PlanStepTaken(Taken):
    """A taken step of a request's or a plan's chain: by an official, or by a meeting's decision that an official
    recorded."""

    step: PlanStep
    decision_id: str | None = None


# the rules ----------------------------------------------------------------------------------------------------------
def rules_of(rules: Planning | None, government: str, name: str) -> Planning:
    """The planning rules. 409 `no_planning_rules` where the government doesn't regulate requests."""
    if rules:
        return rules
    raise Problem(
        409,
        "no_planning_rules",
        Text(f"{government} has no planning.yaml", f"{name}没有办会申请规则"),
        Text(
            "no request is necessary; otherwise add the section planning to its rulebook", "无需申请；或在规则库中补充"
        ),
    )


# the chain ----------------------------------------------------------------------------------------------------------
def next_ask(asks: Sequence[Ask], taken: Sequence[PlanStepTaken]) -> tuple[Ask, tuple[Role, ...]] | None:
    """The first open step, with the roles that still have to take it (any of them, or all); None if all steps are
    done."""
    left = list(taken)
    for ask in asks:
        open_roles = list(ask.by)
        if left and left[0].decision_id:
            left.pop(0)
            continue
        while left and left[0].step == ask.step and left[0].role in open_roles:
            open_roles.remove(left.pop(0).role)
            if ask.need == "any":
                open_roles = []
        if open_roles or (ask.meeting and not ask.by):
            return ask, tuple(open_roles)
    return None


def require_way(ask: Ask, clause: str, *, by_decision: bool) -> None:
    """409 `not_by_decision` or `decision_needed` unless the step is taken in the way that the rules require."""
    if by_decision and not ask.meeting:
        raise refusal(
            "not_by_decision",
            clause,
            f"{ask.step} has to be taken by {' or '.join(ask.by)}, not by a meeting's decision",
            f"“{CHINESE[ask.step]}”由{in_chinese(*ask.by)}办理，不以会议决定代替",
            Text("omit the decision", "请勿填写会议决定"),
        )
    if not by_decision and not ask.by:
        raise refusal(
            "decision_needed",
            clause,
            f"{ask.step} requires a decision of a meeting of the kind {' or '.join(ask.meeting)}",
            f"“{CHINESE[ask.step]}”须经规定的会议研究决定",
            Text("name the decision of the meeting (decision_id)", "请填写会议决定事项"),
            meeting_kinds=list(ask.meeting),
        )


_OVER = (MeetingState.closed, MeetingState.minuted, MeetingState.signed, MeetingState.unminuted)


def require_decides(kinds: tuple[str, ...], clause: str, decision: Decision, meeting: Meeting) -> None:
    """409 `wrong_meeting_kind`, `meeting_not_over`, `decision_not_adopted`, `decision_revoked`: the step requires an
    adopted decision in force, of a meeting of the right kind."""
    if meeting.kind not in kinds:
        raise refusal(
            "wrong_meeting_kind",
            clause,
            f"the decision is by a meeting of the kind {meeting.kind}; one of {' or '.join(kinds)} is required",
            "该决定事项的会议类别不符",
            Text(f"name a decision by {' or '.join(kinds)}", "请填写相应会议的决定事项"),
            meeting_kinds=list(kinds),
        )
    if meeting.state not in _OVER:
        raise refusal(
            "meeting_not_over",
            clause,
            f"the meeting is in state {meeting.state}; it must be closed",
            "会议尚未结束",
            Text("record it once the session is closed", "请在会议结束后登记"),
        )
    if not decision.resolution.outcome.adopts:
        raise refusal(
            "decision_not_adopted",
            clause,
            f"the meeting didn't adopt it; the outcome is {decision.resolution.outcome}",
            "该事项未获会议通过",
            Text("refuse the request, or name the decision that adopted it", "请不予批准，或填写获通过的决定事项"),
        )
    require_holding(decision, clause)


def require_holding(decision: Decision, clause: str) -> None:
    """409 `decision_revoked` if the decision is no longer in force."""
    if decision.standing == Standing.revoked:
        raise refusal(
            "decision_revoked",
            clause,
            "the decision was revoked",
            "该决定事项已撤销",
            Text("name a decision in force", "请填写有效的决定事项"),
        )


def require_step(ask: Ask, step: PlanStep, clause: str) -> None:
    """409 `step_out_of_order` unless this step is the next one."""
    if ask.step != step:
        raise refusal(
            "step_out_of_order",
            ask.clause or clause,
            f"the next step is {ask.step}, not {step}",
            f"尚不能办理“{CHINESE[step]}”，下一环节为“{CHINESE[ask.step]}”",
            Text(f"take {ask.step} first", f"请先完成“{CHINESE[ask.step]}”"),
            next_step=ask.step.value,
        )
