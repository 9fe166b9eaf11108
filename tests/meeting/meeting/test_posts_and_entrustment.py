"""What a person may do follows from the post held on that day: in Xigang, whose rulebook has a long chain for topics and
lets an executive deputy chair, and then sign, once the head has entrusted it (XG-32)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from demo.main_job import MainJob
from tests.conftest import composition_of, scenario_of
from zhengling.authority.composition import Composition, Post, PostRole, RoleContext
from zhengling.local.client import Api, Json, Refused, at, load_composition
from zhengling.rules.vocabulary import Role

GOVERNMENT = "xigang"
SCENARIO = scenario_of(GOVERNMENT).model_copy(update={"breach": None})
PEOPLE = composition_of(GOVERNMENT)
CLERK, HEAD, EXEC, DEPUTY = "xg-office-clerk", "xg-head", "xg-exec", "xg-dep1"
SUBMITTED, DAY = SCENARIO.submitted, SCENARIO.day
ASSENT = {"opinion": "同意"}


def with_posts(*posts: Post, without: tuple[str, ...] = ()) -> Composition:
    """Xigang's people, where those named hold these posts only."""
    named = {post.official for post in posts} | set(without)
    kept = tuple(post for post in PEOPLE.posts if post.official not in named)
    return PEOPLE.model_copy(update={"posts": kept + posts})


def post(official: str, role: PostRole, since: date, until: date | None = None, organisation: str = "xg") -> Post:
    return Post(official=official, role=role, organisation=organisation, since=since, until=until)


class Xigang:
    """The scenario's steps, one at a time, and who is refused."""

    def __init__(self, api: Api, composition: Composition = PEOPLE) -> None:
        self.api = api
        self.job = MainJob(api, composition, SCENARIO)

    async def begin(self, on: date = SUBMITTED) -> None:
        await load_composition(self.job.api, self.job.composition)
        await self.api.set_clock(at(on))

    async def refuse(self, path: str, body: Json, official: str | None, version: int | None = None) -> Json:
        """The problem document; the row whose version was given is as it was."""
        with pytest.raises(Refused) as caught:
            await self.api.command("meeting", path, body, official, version)
        if version is not None:
            row = "/".join(path.split("/")[:4])
            assert (await self.api.get("meeting", row))["version"] == version
        return caught.value.problem

    async def topic_before(self, step: str) -> Json:
        """A topic whose chain has come to this step."""
        topic = await self.job.submit(SCENARIO.decisions[0])
        if step == "decide":  # which a special meeting on the topic comes before
            topic = await self.job.prior_meeting(topic)
        while topic["next_step"]["step"] != step:
            topic = await self.step(topic, topic["next_step"]["officials"][0])
        return topic

    async def step(self, topic: Json, official: str) -> Json:
        body = ASSENT | {"step": topic["next_step"]["step"]}
        return await self.api.command("meeting", f"/v1/topics/{topic['id']}/steps", body, official, topic["version"])

    async def meeting(self) -> tuple[Json, Json]:
        """A meeting with an approved agenda of one topic, on its day."""
        topic = await self.job.walk_topic(await self.job.submit(SCENARIO.decisions[0]))
        meeting = await self.job.agenda(await self.job.call_meeting(), [topic])
        await self.api.set_clock(at(DAY))
        return meeting, topic

    async def entrust(self, meeting: Json, to: str = EXEC, by: str = HEAD) -> Json:
        path, body = f"/v1/meetings/{meeting['id']}/entrustment", {"to": to, "reason": "区长出差"}
        return await self.api.command("meeting", path, body, by, meeting["version"])

    def opening(self, chair: str) -> Json:
        members = self.job.members()
        return {"chair": chair, "attendance": self.job.attendance(members, present=len(members))}

    async def open(self, meeting: Json, chair: str) -> Json:
        path = f"/v1/meetings/{meeting['id']}/opening"
        return await self.api.command("meeting", path, self.opening(chair), CLERK, meeting["version"])

    async def to_the_signature(self, meeting: Json, topic: Json, chair: str) -> Json:
        """The session opened, its topic decided, closed, the minutes drafted."""
        meeting = await self.open(meeting, chair)
        path = f"/v1/meetings/{meeting['id']}"
        body = SCENARIO.decisions[0].body(topic["id"])
        await self.api.command("meeting", f"{path}/decisions", body, CLERK, meeting["version"])
        meeting = await self.api.get("meeting", path)
        meeting = await self.api.command("meeting", f"{path}/closing", {}, CLERK, meeting["version"])
        await self.api.command("meeting", f"{path}/minutes", {}, CLERK, meeting["version"])
        return await self.api.get("meeting", path)


@pytest.fixture
def xigang(api: Callable[[str], Api]) -> Xigang:
    return Xigang(api(GOVERNMENT))


SIGN = {"step": "sign"} | ASSENT


# posts ---------------------------------------------------------------------------------------------------------------
async def test_nobody_but_the_head_decides_for_the_head(xigang: Xigang) -> None:
    await xigang.begin()
    topic = await xigang.topic_before("decide")
    path, body = f"/v1/topics/{topic['id']}/steps", ASSENT | {"step": "decide"}
    for official in (DEPUTY, EXEC, CLERK, "xg-office-director", "xg-zjj-principal", None):
        problem = await xigang.refuse(path, body, official, topic["version"])
        assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_the_actor", "XG-32")
        assert problem["required_roles"] == ["head"]
        assert PEOPLE.official_names[HEAD] in problem["satisfy"]
    assert (await xigang.refuse(path, body, "nobody-here", topic["version"]))["code"] == "topic_not_found"
    topic = await xigang.step(topic, HEAD)
    assert (topic["steps"][-1]["official"], topic["steps"][-1]["role"]) == (HEAD, "head")


async def test_a_topic_is_reviewed_by_the_deputy_in_charge_of_its_sponsor_and_no_other(xigang: Xigang) -> None:
    await xigang.begin()
    topic = await xigang.topic_before("review")
    assert topic["next_step"]["officials"] == ["xg-dep2"]
    path, body = f"/v1/topics/{topic['id']}/steps", ASSENT | {"step": "review"}
    for official in ("xg-dep1", "xg-dep3", EXEC, HEAD):
        problem = await xigang.refuse(path, body, official, topic["version"])
        assert (problem["code"], problem["clause"]) == ("not_the_actor", "XG-34")
    assert (await xigang.step(topic, "xg-dep2"))["version"] == topic["version"] + 1


@pytest.mark.parametrize("official", ["xg-czj-clerk", "xg-czj-principal", CLERK, "xg-dep2", HEAD, "nobody-here", None])
async def test_only_somebody_of_the_sponsor_submits_its_topic(official: str | None, xigang: Xigang) -> None:
    await xigang.begin()
    body = {"title": "关于老旧小区改造的请示", "meeting_kind": "executive", "sponsor": "xg-zjj", "papers": []}
    problem = await xigang.refuse("/v1/topics", body, official)
    assert (problem["status"], problem["code"], problem["required_roles"]) == (403, "not_the_raiser", ["sponsor"])
    assert PEOPLE.official_names["xg-zjj-clerk"] in problem["satisfy"]


@pytest.mark.parametrize(
    ("raised_by", "official"), [("head", EXEC), ("head", "xg-zjj-clerk"), ("deputy", "xg-zjj-clerk"), ("deputy", HEAD)]
)
async def test_nobody_raises_a_topic_as_somebody_else(raised_by: str, official: str, xigang: Xigang) -> None:
    """As a topic of the head's own skips five steps of the chain."""
    await xigang.begin()
    body = {
        "title": "关于老旧小区改造的请示",
        "meeting_kind": "executive",
        "sponsor": "xg-zjj",
        "raised_by": raised_by,
        "papers": [],
    }
    assert (await xigang.refuse("/v1/topics", body, official))["code"] == "not_the_raiser"


async def test_a_post_counts_until_its_last_day_and_not_the_day_after(api: Callable[[str], Api]) -> None:
    last = SUBMITTED
    old = post(HEAD, PostRole.head, date(2022, 1, 1), last)
    new = post("xg-dep3", PostRole.head, last + timedelta(days=1))
    xigang = Xigang(api(GOVERNMENT), with_posts(old, new))
    xigang.job.chair = HEAD  # who may chair on the day on which topics are submitted
    await xigang.begin(last)
    topic, second = await xigang.topic_before("decide"), await xigang.topic_before("decide")
    await xigang.api.set_clock(at(last, 16))  # the second topic's meeting moved it back, behind the first one's steps
    path, body = "/v1/topics/{}/steps", ASSENT | {"step": "decide"}
    problem = await xigang.refuse(path.format(topic["id"]), body, "xg-dep3", topic["version"])
    assert problem["code"] == "topic_not_found"  # not yet: without a post nothing is seen
    await xigang.api.set_clock(at(last, 23, 59))
    await xigang.step(topic, HEAD)
    await xigang.api.set_clock(at(last + timedelta(days=1), 0, 0))
    problem = await xigang.refuse(path.format(second["id"]), body, HEAD, second["version"])
    assert problem["code"] == "topic_not_found"  # no more
    # nor by saying that it was yesterday
    yesterday = body | {"occurred_at": at(last, 23, 59).isoformat()}
    problem = await xigang.refuse(path.format(second["id"]), yesterday, HEAD, second["version"])
    assert problem["code"] == "topic_not_found"
    await xigang.step(second, "xg-dep3")


async def test_somebody_who_left_the_office_or_the_sponsor_yesterday_may_no_longer_act_for_it(
    api: Callable[[str], Api],
) -> None:
    gone = SUBMITTED - timedelta(days=1)
    posts = [
        post(CLERK, PostRole.staff, date(2022, 1, 1), gone, "xg-office"),
        post("xg-zjj-clerk", PostRole.staff, date(2022, 1, 1), gone, "xg-zjj"),
    ]
    xigang = Xigang(api(GOVERNMENT), with_posts(*posts))
    await xigang.begin()
    body = {"kind": "executive", "title": "区政府常务会议", "day": str(DAY)}
    assert (await xigang.refuse("/v1/meetings", body, CLERK))["code"] == "not_the_office"
    body = {"title": "关于老旧小区改造的请示", "meeting_kind": "executive", "sponsor": "xg-zjj", "papers": []}
    assert (await xigang.refuse("/v1/topics", body, "xg-zjj-clerk"))["code"] == "not_the_raiser"


async def test_a_deputy_without_a_post_is_in_charge_of_nothing_whatever_the_portfolio_says(
    api: Callable[[str], Api],
) -> None:
    left = post("xg-dep2", PostRole.deputy, date(2022, 1, 1), SUBMITTED - timedelta(days=1))
    xigang = Xigang(api(GOVERNMENT), with_posts(left))
    await xigang.begin()
    topic = await xigang.topic_before("review")
    assert topic["next_step"]["officials"] == []
    path, body = f"/v1/topics/{topic['id']}/steps", ASSENT | {"step": "review"}
    assert (await xigang.refuse(path, body, "xg-dep2", topic["version"]))["code"] == "topic_not_found"


async def test_a_post_in_another_government_is_none_here_though_the_id_is_the_same(api: Callable[[str], Api]) -> None:
    """The head of Zhanqian is called as a clerk of Xigang's finance bureau is."""
    twin = "xg-czj-clerk"
    elsewhere = composition_of("zhanqian")
    officials = tuple(o.model_copy(update={"id": twin}) if o.id == "zq-head" else o for o in elsewhere.officials)
    posts = tuple(p.model_copy(update={"official": twin}) if p.official == "zq-head" else p for p in elsewhere.posts)
    their_people = elsewhere.model_copy(update={"officials": officials, "posts": posts})
    there = MainJob(api("zhanqian"), their_people, scenario_of("zhanqian").model_copy(update={"breach": None}))
    await load_composition(there.api, there.composition)
    xigang = Xigang(api(GOVERNMENT))
    await xigang.begin()
    try:
        topic = await xigang.topic_before("decide")
        path, body = f"/v1/topics/{topic['id']}/steps", ASSENT | {"step": "decide"}
        assert (await xigang.refuse(path, body, twin, topic["version"]))["code"] == "topic_not_found"
        theirs = await there.walk_topic(await there.submit(there.scenario.decisions[0]))
        assert twin in {step["official"] for step in theirs["steps"] if step["role"] == "head"}
        with pytest.raises(Refused) as caught:
            body = {"kind": "executive", "title": "会议", "day": str(DAY)}
            await api("zhanqian").command("meeting", "/v1/meetings", body, CLERK)
        assert caught.value.code == "not_the_office"
    finally:
        await load_composition(api("zhanqian"), elsewhere)


# entrustment ---------------------------------------------------------------------------------------------------------
async def test_an_executive_deputy_chairs_and_signs_once_the_head_has_entrusted_it(xigang: Xigang) -> None:
    await xigang.begin()
    meeting, topic = await xigang.meeting()
    path = f"/v1/meetings/{meeting['id']}"
    problem = await xigang.refuse(f"{path}/opening", xigang.opening(EXEC), CLERK, meeting["version"])
    assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_a_lawful_chair", "XG-32")
    assert PEOPLE.official_names[HEAD] in problem["satisfy"]
    assert f"{PEOPLE.official_names[HEAD]} may entrust {PEOPLE.official_names[EXEC]}" in problem["satisfy"]

    meeting = await xigang.entrust(meeting)
    assert (meeting["entrustment"]["to"], meeting["entrustment"]["by"]) == (EXEC, HEAD)
    meeting = await xigang.to_the_signature(meeting, topic, EXEC)
    assert set(meeting["next_step"]["officials"]) == {HEAD, EXEC}
    for official in (DEPUTY, CLERK):
        problem = await xigang.refuse(f"{path}/minutes/steps", SIGN, official, meeting["version"])
        assert (problem["code"], problem["clause"]) == ("not_the_actor", "XG-32")
    signed = await xigang.api.command("meeting", f"{path}/minutes/steps", SIGN, EXEC, meeting["version"])
    assert (signed["state"], signed["steps"][-1]["role"]) == ("signed", "executive_deputy")


async def test_where_the_head_chaired_the_executive_deputy_may_not_sign_even_though_entrusted(xigang: Xigang) -> None:
    await xigang.begin()
    meeting, topic = await xigang.meeting()
    meeting = await xigang.to_the_signature(await xigang.entrust(meeting), topic, HEAD)
    assert meeting["next_step"]["officials"] == [HEAD]
    path = f"/v1/meetings/{meeting['id']}/minutes/steps"
    assert (await xigang.refuse(path, SIGN, EXEC, meeting["version"]))["code"] == "not_the_actor"
    signed = await xigang.api.command("meeting", path, SIGN, HEAD, meeting["version"])
    assert signed["state"] == "signed"


async def test_only_the_head_entrusts_and_only_whom_the_rulebook_lets_chair(xigang: Xigang) -> None:
    await xigang.begin()
    meeting = await xigang.job.call_meeting()
    path = f"/v1/meetings/{meeting['id']}/entrustment"
    for official in (EXEC, DEPUTY, CLERK, "xg-office-director", None):
        problem = await xigang.refuse(path, {"to": EXEC, "reason": "区长出差"}, official, meeting["version"])
        assert (problem["status"], problem["code"], problem["clause"]) == (403, "not_the_head", "XG-32")
    for wrong in (DEPUTY, CLERK, HEAD, "nobody-here"):
        problem = await xigang.refuse(path, {"to": wrong, "reason": "区长出差"}, HEAD, meeting["version"])
        assert (problem["status"], problem["code"]) == (409, "cannot_be_entrusted")
        assert PEOPLE.official_names[EXEC] in problem["satisfy"]
    assert (await xigang.entrust(meeting))["entrustment"]["to"] == EXEC


async def test_an_entrustment_holds_for_its_own_meeting_and_not_for_a_deputy_who_wasnt_named(xigang: Xigang) -> None:
    await xigang.begin()
    first, _ = await xigang.meeting()
    await xigang.api.set_clock(at(SUBMITTED))
    second, _ = await xigang.meeting()
    first = await xigang.entrust(first)
    for meeting, chair in ((second, EXEC), (first, DEPUTY)):
        path = f"/v1/meetings/{meeting['id']}/opening"
        problem = await xigang.refuse(path, xigang.opening(chair), CLERK, meeting["version"])
        assert problem["code"] == "not_a_lawful_chair"
    assert (await xigang.open(first, EXEC))["chair"] == EXEC


async def test_who_is_entrusted_with_a_session_that_has_opened_chairs_it_from_the_handover_on_and_nobody_after_them(
    xigang: Xigang,
) -> None:
    await xigang.begin()
    meeting, _ = await xigang.meeting()
    meeting = await xigang.open(meeting, HEAD)
    path, over = f"/v1/meetings/{meeting['id']}", {"to": EXEC, "reason": "区长参加市里会议"}
    problem = await xigang.refuse(f"{path}/handover", over, CLERK, meeting["version"])
    assert (problem["status"], problem["code"]) == (403, "not_a_lawful_chair")
    meeting = await xigang.entrust(meeting)
    assert meeting["chair"] == HEAD
    meeting = await xigang.api.command("meeting", f"{path}/handover", over, CLERK, meeting["version"])
    assert (meeting["chair"], meeting["handovers"][0]["chair"]) == (EXEC, HEAD)
    problem = await xigang.refuse(f"{path}/entrustment", over, HEAD, meeting["version"])
    assert (problem["status"], problem["code"]) == (409, "chairs_by_entrustment")


async def test_an_entrusted_deputy_who_left_before_the_meeting_doesnt_chair_and_one_who_left_after_it_doesnt_sign(
    api: Callable[[str], Api],
) -> None:
    before = Xigang(api(GOVERNMENT), with_posts(post(EXEC, PostRole.executive_deputy, date(2022, 1, 1), SUBMITTED)))
    await before.begin()
    meeting = await before.entrust(await before.job.call_meeting())
    topic = await before.job.walk_topic(await before.job.submit(SCENARIO.decisions[0]))
    meeting = await before.job.agenda(meeting, [topic])
    await before.api.set_clock(at(DAY))
    path = f"/v1/meetings/{meeting['id']}/opening"
    problem = await before.refuse(path, before.opening(EXEC), CLERK, meeting["version"])
    assert problem["code"] == "not_a_lawful_chair"

    after = Xigang(api(GOVERNMENT), with_posts(post(EXEC, PostRole.executive_deputy, date(2022, 1, 1), DAY)))
    await after.begin()
    meeting, topic = await after.meeting()
    meeting = await after.to_the_signature(await after.entrust(meeting), topic, EXEC)
    await after.api.set_clock(at(DAY + timedelta(days=1)))
    path = f"/v1/meetings/{meeting['id']}/minutes/steps"
    assert (await after.refuse(path, SIGN, EXEC, meeting["version"]))["code"] == "meeting_not_found"
    assert (await after.api.command("meeting", path, SIGN, HEAD, meeting["version"]))["state"] == "signed"
    await Xigang(api(GOVERNMENT)).begin()


# the composition by itself --------------------------------------------------------------------------------------------
def test_who_chaired_signs_as_the_chair_only_while_holding_a_post() -> None:
    people = with_posts(post(EXEC, PostRole.executive_deputy, date(2022, 1, 1), DAY))
    assert people.holders(Role.chair, DAY, context=RoleContext(chair=EXEC)) == (EXEC,)
    assert people.holders(Role.chair, DAY + timedelta(days=1), context=RoleContext(chair=EXEC)) == ()
    assert people.holders(Role.chair, DAY, context=RoleContext(chair="nobody-here")) == ()
    assert people.holders(Role.chair, DAY) == ()


@pytest.mark.parametrize("role", Role)
def test_no_role_is_held_by_somebody_without_a_post(role: Role) -> None:
    """Whatever portfolios, pairs or a meeting's chair still say; for roles of the future, too."""
    retired = tuple(post.model_copy(update={"until": DAY}) for post in PEOPLE.posts)
    people = PEOPLE.model_copy(update={"posts": retired})
    day_after = DAY + timedelta(days=1)
    assert people.holders(role, day_after, context=RoleContext(sponsor="xg-zjj", chair=HEAD)) == ()
    assert people.may_act(None, [], DAY, {}) is None
