"""Turns in a topic's life: returned, withdrawn, submitted again, taken off an agenda, concluded, corrected.

Invariant: what a topic went through before a turn stays in its history. Pure: no I/O.
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
from zhengling.kernel.bounds import appended
from zhengling.kernel.errors import Text, refusal
from zhengling.rules.meetings import MeetingKind
from zhengling.rules.vocabulary import Outcome

_ANOTHER_MATTER = {"title", "nature", "matter", "prepares_for"}


def turn(topic: Topic, what: Turn, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Write a turn into the history with the steps that it ends."""
    entry = HistoryEntry(what, official, reason, occurred_at, recorded_at, tuple(topic.steps), topic.meeting_id)
    topic.history = appended(topic.history, entry, bound=OF_A_TOPIC)


def send_back(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Return it to the sponsor: its steps stay in the history, and the form is signed anew."""
    require_state(topic, TopicState.in_review, TopicState.ready)
    turn(topic, Turn.returned, official, reason, occurred_at, recorded_at)
    topic.steps, topic.signatures, topic.state = [], [], TopicState.returned


def withdraw(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """The raiser takes it back. What stands on an agenda is taken off it first."""
    require_state(topic, TopicState.in_review, TopicState.returned, TopicState.ready)
    turn(topic, Turn.withdrawn, official, reason, occurred_at, recorded_at)
    topic.steps, topic.signatures, topic.state = [], [], TopicState.withdrawn


def resubmit(
    topic: Topic, changes: dict[str, Any], official: str, reason: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    """Submit a returned or withdrawn topic again, perhaps declaring something else (`DECLARED`); its chain begins anew,
    its papers came in when they did. As another matter it passes its gates and finds its consensus anew."""
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
    """Say of a topic on its way that it is specially urgent, and why. Whoever saw it as one that isn't sees it again: its
    chain begins anew (DL-43). Refusal `urgency_unchanged`."""
    require_state(topic, TopicState.in_review, TopicState.ready)
    if urgency == topic.urgency:
        raise refusal(
            "urgency_unchanged",
            None,
            "it states this urgency already",
            "已载明该紧急理由",
            Text("go on with the topic's chain", "可继续办理"),
        )
    turn(topic, Turn.urgency_stated, official, urgency, occurred_at, recorded_at)
    topic.history = [*topic.history[:-1], replace(topic.history[-1], before={"urgency": topic.urgency})]
    topic.urgency, topic.steps, topic.state = urgency, [], TopicState.in_review
    settle(topic, kind)


def begin_text(topic: Topic, since: datetime) -> None:
    """What was recorded of the text before doesn't count for this one."""
    topic.text_since, topic.signatures = since, []


def release(topic: Topic, official: str, reason: str, occurred_at: datetime, recorded_at: datetime) -> None:
    """Take it off an agenda: it is ready for another one."""
    require_state(topic, TopicState.scheduled)
    turn(topic, Turn.released, official, reason, occurred_at, recorded_at)
    topic.state, topic.meeting_id = TopicState.ready, None


def conclude(
    topic: Topic, outcome: Outcome | None, official: str, occurred_at: datetime, recorded_at: datetime
) -> None:
    """What the meeting made of it: deferred, it is ready for a later one; else it is done."""
    if outcome == Outcome.deferred:
        turn(topic, Turn.deferred, official, "", occurred_at, recorded_at)
        topic.state, topic.meeting_id = TopicState.ready, None
    else:
        topic.state = TopicState.concluded


def require_correctable(topic: Topic, meeting_id: str, before: Outcome, after: Outcome, clause: str) -> None:
    """Refusals where the signed minutes of this meeting are to say that it decided a topic which they had deferred:
    `topic_elsewhere` if it stands on another agenda or was decided there since, as a topic gets one decision;
    `topic_went_on` if it was changed since, as nobody decided on what stands there now."""
    if before != Outcome.deferred or after == Outcome.deferred:
        return
    if topic.state in (TopicState.scheduled, TopicState.concluded) and topic.meeting_id != meeting_id:
        raise refusal(
            "topic_elsewhere",
            clause,
            f"the topic was deferred and has been taken up by meeting {topic.meeting_id}",
            "该议题暂缓后已提交其他会议",
            Text(
                "take it off that agenda first; if that meeting has decided on it, that decision stands",
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
            f"the topic was deferred and is another one since: {', '.join(each.turn for each in changed)}",
            "该议题暂缓后已重新办理，现有材料未经本次会议审议",
            Text("bring it to a later meeting as it is now", "请按现有材料提交以后的会议"),
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
    """What a signed correction makes of the topic: deferred now, it is ready for a later meeting; deferred no longer, it
    is done. Any other change leaves it as it is. Refusal as `require_correctable`."""
    require_correctable(topic, meeting_id, before, after, clause)
    if (before == Outcome.deferred) == (after == Outcome.deferred):
        return
    turn(topic, Turn.corrected, official, reason, occurred_at, recorded_at)
    if after == Outcome.deferred:
        topic.state, topic.meeting_id = TopicState.ready, None
    else:
        topic.state, topic.meeting_id = TopicState.concluded, meeting_id
