"""The rules of planning, and the meetings' decisions that take a step of a plan or request. Pure."""

from __future__ import annotations

from meeting_svc.decision.decision import Decision, Standing
from meeting_svc.meeting.meeting import Meeting, MeetingState
from zhengling.kernel.errors import Problem, Text, refusal
from zhengling.rules.planning import Planning


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


# meetings that decide -----------------------------------------------------------------------------------------------
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
