"""Transitions of a topic: returned, withdrawn, submitted again, taken off an agenda, concluded, corrected.

Invariant: the steps taken before a transition stay in the topic's history. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from meeting_svc.topic.topic import (
    OF_A_TOPIC,
    HistoryEntry,
    Topic,
    TopicState,
    Turn,
    require_state,
    settle,
)
from zhengling.events.meeting import Resolution
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Outcome

_ANOTHER_MATTER = {"title", "nature", "matter", "prepares_for"}


def turn(topic: Topic, what: Turn, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Add a transition to the history, with the steps that it invalidates."""
    entry = HistoryEntry(what, official, reason, occurred_at, recorded_at, tuple(topic.steps), topic.meeting_id)
    topic.history = appended(topic.history, entry, bound=OF_A_TOPIC)


def send_back(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Return it to the sponsor: its steps go to the history, and the form has to be signed again."""
    require_state(topic, TopicState.in_review, TopicState.ready)
    turn(topic, Turn.returned, official, reason, occurred_at, recorded_at)
    topic.steps, topic.signatures, topic.state = [], [], TopicState.returned


def withdraw(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Withdraw it, on behalf of its raiser. A topic on an agenda has to be taken off it first."""
    require_state(topic, TopicState.in_review, TopicState.returned, TopicState.ready)
    turn(topic, Turn.withdrawn, official, reason, occurred_at, recorded_at)
    topic.steps, topic.signatures, topic.state = [], [], TopicState.withdrawn


def resubmit(
    topic: Topic, changes: dict[str, Any], official: str, reason: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    """Submit a returned or withdrawn topic again, perhaps with a changed declaration (`DECLARED`). Its chain starts again;
    its papers keep the time at which they came in. If the matter changed, gates and consensus have to be obtained again."""
    require_state(topic, TopicState.returned, TopicState.withdrawn)
    turn(topic, Turn.resubmitted, official, reason, occurred_at, recorded_at)
    before = {name: getattr(topic, name) for name, value in changes.items() if getattr(topic, name) != value}
    topic.history = [*topic.history[:-1], replace(topic.history[-1], before=before)]
    for name in before:
        setattr(topic, name, changes[name])
    if _ANOTHER_MATTER & before.keys():
        begin_text(topic, recorded_at)
        topic.prior_meeting = None
    topic.state, topic.submitted_at, topic.late_admission = TopicState.in_review, occurred_at, None


def state_urgency(
    topic: Topic, kind: MeetingKind, urgency: str, official: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    """State that a topic not yet on an agenda is specially urgent, and why. Its chain starts again, since the steps taken
    approved a topic that wasn't urgent (DL-43). Refusal `urgency_unchanged`."""
    require_state(topic, TopicState.in_review, TopicState.ready)
    if urgency == topic.urgency:
        raise refusal(
            "urgency_unchanged",
            None,
            "this reason of urgency is already stated",
            "该紧急理由已载明",
            Text("continue with the topic's chain", "可继续办理"),
        )
    turn(topic, Turn.urgency_stated, official, urgency, occurred_at, recorded_at)
    topic.history = [*topic.history[:-1], replace(topic.history[-1], before={"urgency": topic.urgency})]
    topic.urgency, topic.steps, topic.state = urgency, [], TopicState.in_review
    settle(topic, kind)


def concern(topic: Topic, added: list[str], official: str, recorded_at: datetime) -> None:
    """Add organisations that it concerns; its steps stay. A meeting that deferred it before didn't hear them."""
    if not (new := [each for each in dict.fromkeys(added) if each not in topic.concerned]):
        return
    turn(topic, Turn.concerned_added, official, "", recorded_at, recorded_at)
    entry = replace(topic.history[-1], steps=(), before={"concerned": list(topic.concerned)})
    topic.history = [*topic.history[:-1], entry]
    topic.concerned = [*topic.concerned, *new]


def begin_text(topic: Topic, since: datetime) -> None:
    """Start a new text: gates and positions recorded for the earlier one no longer count."""
    topic.text_since, topic.signatures = since, []


def release(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Take it off an agenda: it is ready for another one."""
    require_state(topic, TopicState.scheduled)
    turn(topic, Turn.released, official, reason, occurred_at, recorded_at)
    topic.state, topic.meeting_id = TopicState.ready, None


def conclude(
    topic: Topic, resolution: Resolution | None, official: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    """Apply what the closed meeting decided, which the topic then refers to: a deferred topic is ready for a later
    meeting, any other is concluded."""
    if resolution:
        topic.decisions = [*topic.decisions, resolution.decision]
    if resolution and resolution.outcome == Outcome.deferred:
        turn(topic, Turn.deferred, official, "", occurred_at, recorded_at)
        topic.state, topic.meeting_id = TopicState.ready, None
    else:
        topic.state = TopicState.concluded


def require_correctable(topic: Topic, meeting_id: str, before: Outcome, after: Outcome, clause: str) -> None:
    """Refusals where a correction of signed minutes turns a deferred topic into a decided one: `topic_elsewhere` if the
    topic has since been put on another agenda or decided there, as a topic gets one decision; `topic_went_on` if it has
    changed since, as the meeting didn't decide on the current text."""
    if before != Outcome.deferred or after == Outcome.deferred:
        return
    if topic.state in (TopicState.scheduled, TopicState.concluded) and topic.meeting_id != meeting_id:
        raise refusal(
            "topic_elsewhere",
            clause,
            f"the topic was deferred and is now before meeting {topic.meeting_id}",
            "该议题暂缓后已提交其他会议",
            Text(
                "take it off that agenda first; a decision already taken there remains valid",
                "请先从该会议议程中撤下；该会议已作决定的，以其决定为准",
            ),
            meeting_id=topic.meeting_id,
        )
    put_off = [n for n, each in enumerate(topic.history) if each.meeting_id == meeting_id]
    since = topic.history[put_off[-1] + 1 :] if put_off else []
    if changed := [each for each in since if each.turn != Turn.released]:
        raise refusal(
            "topic_went_on",
            clause,
            f"the topic was deferred and has changed since: {', '.join(each.turn for each in changed)}",
            "该议题暂缓后已重新办理，现有材料未经本次会议审议",
            Text("submit the current text to a later meeting", "请按现有材料提交以后的会议"),
        )


def follow_correction(
    topic: Topic,
    meeting_id: str,
    before: Outcome,
    after: Outcome,
    official: str,
    reason: str,
    occurred_at: datetime,
    recorded_at: datetime,
    clause: str,
) -> None:
    """Apply a signed correction to the topic: if it is deferred now, it is ready for a later meeting; if it no longer is,
    it is concluded. Any other change has no effect on it. Refusals as `require_correctable`."""
    require_correctable(topic, meeting_id, before, after, clause)
    if (before == Outcome.deferred) == (after == Outcome.deferred):
        return
    turn(topic, Turn.corrected, official, reason, occurred_at, recorded_at)
    if after == Outcome.deferred:
        topic.state, topic.meeting_id = TopicState.ready, None
    else:
        topic.state, topic.meeting_id = TopicState.concluded, meeting_id
