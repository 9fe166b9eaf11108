"""The context of a topic's commands: the topic, locked, its rules, and who may change it."""

from __future__ import annotations

from datetime import datetime

from meeting_svc.meeting_kind.case import kind_of
from meeting_svc.topic import declaration as declarations
from meeting_svc.topic.topic import Topic
from zhengling.authority.composition import Composition, Permission, RoleContext
from zhengling.database.session import lock
from zhengling.kernel.errors import Text, invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.rules.chains import actors_of
from zhengling.rules.meetings import MeetingKind, TopicRules
from zhengling.rules.vocabulary import Role
from zhengling.web.call import Call


def rules_of(call: Call, topic: Topic) -> TopicRules:
    """The rules for topics of all kinds, in the edition under which this topic was submitted."""
    return call.service.rulebooks.edition(call.government, topic.edition).topics


async def locked(call: Call, topic_id: str) -> tuple[Topic, MeetingKind, Composition]:
    topic = await lock(call.session, Topic, topic_id, "topic", "议题")
    call.check_version(topic.version)
    return topic, kind_of(call, topic), await compositions.current(call.session)


async def kept(call: Call, topic: Topic) -> Topic:
    """The topic, written to the database; `gates_open` is set first, so that queries find what the office follows."""
    topic.gates_open = bool(declarations.open_gates(topic, rules_of(call, topic)))
    await call.session.flush()
    return topic


def require_sponsor(call: Call, composition: Composition, topic: Topic, act: Text, *others: Role) -> None:
    """403 `not_the_sponsor` unless it is an official of the sponsor, the leader who raised it, or one of these roles."""
    on = shanghai_day(call.now)
    if call.official == topic.submitted_by and composition.serves(topic.submitted_by, on):
        return
    actors = actors_of((Role.sponsor, *others))
    composition.require(
        call.official,
        on,
        Permission(actors, act, code="not_the_sponsor", clause=None, context=RoleContext(sponsor=topic.sponsor)),
    )


def received(call: Call, composition: Composition, stated: datetime | None) -> datetime:
    """When something came in; deadlines are judged by it. The office may state any earlier time, a sender only a time on
    the same day. 422 `receipt_stated_by_the_sender`."""
    occurred_at, today = call.occurred(stated), shanghai_day(call.now)
    if shanghai_day(occurred_at) < today and call.official not in composition.holders(Role.office, today):
        raise invalid(
            "receipt_stated_by_the_sender",
            "only the office can state a receipt on an earlier day",
            "较早的报送日期只能由办公室登记",
        )
    return occurred_at
