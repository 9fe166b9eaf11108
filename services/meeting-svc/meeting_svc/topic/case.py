"""What commands on a topic work on: the topic, locked, its rules, and who may touch it."""

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
    """What holds for topics of several kinds, in the edition that this one began under."""
    return call.service.rulebooks.edition(call.government, topic.edition).topics


async def locked(call: Call, topic_id: str) -> tuple[Topic, MeetingKind, Composition]:
    topic = await lock(call.session, Topic, topic_id, "topic", "议题")
    call.check_version(topic.version)
    return topic, kind_of(call, topic), await compositions.current(call.session)


async def kept(call: Call, topic: Topic) -> Topic:
    """The topic as it is written; whether anything is open on it that the office follows is found by that."""
    topic.gates_open = bool(declarations.open_gates(topic, rules_of(call, topic)))
    await call.session.flush()
    return topic


def require_sponsor(call: Call, composition: Composition, topic: Topic, act: Text, *others: Role) -> None:
    """403 `not_the_sponsor` unless somebody of the sponsor, whoever raised it, or one of these roles does it."""
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
    """When something came in. Who is in time depends on it: the office may state any time before, who sends it only one
    of the same day. 422 `receipt_stated_by_the_sender`."""
    occurred_at, today = call.occurred(stated), shanghai_day(call.now)
    if shanghai_day(occurred_at) < today and call.official not in composition.holders(Role.office, today):
        raise invalid(
            "receipt_stated_by_the_sender",
            "that it came in on an earlier day can only be stated by the office",
            "较早的报送日期只能由办公室登记",
        )
    return occurred_at
