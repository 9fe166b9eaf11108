"""Minutes and what a correction makes of decisions: the text, the versions, the signature."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from meeting_svc.attendance.attendance import roll_call
from meeting_svc.decision import decision as decisions
from meeting_svc.decision.decision import (
    Decision,
    Effect,
    Execution,
    ExecutionKind,
    PublicationRecord,
    PublicationState,
    Revision,
    Standing,
)
from meeting_svc.meeting import participants
from meeting_svc.meeting.meeting import Entrustment, Meeting, MeetingState
from meeting_svc.meeting.record import (
    AnswerState,
    Attendance,
    Capacity,
    Handover,
    LeaveRequest,
    Move,
    Movement,
    Presence,
    QuorumNeeded,
)
from meeting_svc.minutes import document as minutes_document
from meeting_svc.minutes import minutes as minutes_
from meeting_svc.minutes import text as minutes_text
from meeting_svc.minutes.minutes import Cause, Minutes, MinutesState, Returned
from meeting_svc.minutes.schemas import CorrectMinutes, DraftMinutes, ResolutionChanges, ReturnMinutes
from tests.conftest import composition_of
from tests.meeting.examples import DAY, book, resolution
from zhengling.authority.absence import Absent
from zhengling.authority.act import Act
from zhengling.authority.chain import StepTaken
from zhengling.authority.titles import styled
from zhengling.documents import minutes_template
from zhengling.documents.gbt9704 import docx
from zhengling.events.meeting import Resolution, Unit
from zhengling.kernel.errors import Problem
from zhengling.local.client import at
from zhengling.rules.absences import AbsenceKind
from zhengling.rules.chains import StepName
from zhengling.rules.meetings import Minutes as MinutesRule
from zhengling.rules.meetings import Publication
from zhengling.rules.vocabulary import Difficulty, LeaveReason, Outcome, Role, TopicNature

PEOPLE = composition_of("huancui")
GOVERNMENT = book("huancui").government
KIND = book("huancui").kind("executive")
KIND_MEMBERS = list(PEOPLE.members(KIND.members, DAY))
ATTENDED = ["出席：甲、乙", "请假：丙（出差）"]
RULE = Publication(clause="HC-30")


def open_meeting() -> Meeting:
    """A session that all members attend and the head chairs."""
    members = list(PEOPLE.members(KIND.members, DAY))
    return Meeting(
        id="m1",
        government="huancui",
        edition=book("huancui").edition,
        kind="executive",
        title="第2次常务会议",
        day=DAY,
        called_by="hc-office-clerk",
        state=MeetingState.open,
        chair="hc-head",
        members=members,
        attendance=[Attendance(official, True) for official in members],
        opened_at=at(DAY),
    )


def text_of(meeting: Meeting, *resolutions: Resolution, revoked: frozenset[str] = frozenset()) -> str:
    words = minutes_text.words(meeting, KIND, PEOPLE, GOVERNMENT, list(resolutions), revoked)
    return minutes_template.render(None, words)


def some_minutes(**fields: object) -> Minutes:
    given: dict[str, object] = {
        "id": "i",
        "government": "huancui",
        "meeting_id": "m1",
        "number": 1,
        "text": "\n".join(
            [
                "威海市环翠区人民政府常务会议纪要",
                "",
                "某日，某人主持会议。",
                "一、议题",
                "会议审议通过。",
                "",
                *ATTENDED,
            ]
        ),
        "drafted_by": "hc-office-clerk",
        "drafted_at": at(DAY, 12),
        "recorded_at": at(DAY, 12),
        "mark": "威海市环翠区人民政府常务会议纪要",
        "issuer": "区政府办公室",
    }
    return Minutes(**given | fields)  # type: ignore[arg-type]  # a test's own fields


def signature(official: str = "hc-head", **fields: object) -> StepTaken:
    return StepTaken(StepName.sign, Role.chair, official, at(DAY, 15), at(DAY, 15), **fields)  # type: ignore[arg-type]


def a_decision(**fields: object) -> Decision:
    made = resolution("t1", **fields)
    return Decision(made.decision_id, "huancui", "m1", "t1", made)


def in_force(**fields: object) -> Decision:
    decision = a_decision(**fields)
    decisions.adopt(decision, RULE, at(DAY, 15))
    return decision


# the text -----------------------------------------------------------------------------------------------------------
def test_the_text_says_who_was_there_and_what_was_decided() -> None:
    meeting = open_meeting()
    away = meeting.attendance[-1].official
    meeting.attendance[-1] = Attendance(away, False, "出差", status=Presence.on_leave)
    text = text_of(
        meeting,
        resolution("t1", outcome=Outcome.noted),
        resolution("t2", number=2, due=date(2026, 6, 30), co_units=(Unit(code="hc-czj", name="区财政局"),)),
    )
    assert text.startswith("威海市环翠区人民政府常务会议纪要\n")
    assert "2026年2月12日，区长陆竹棠主持召开第2次常务会议" in text
    assert f"请假：区政府党组成员{PEOPLE.official_names[away]}\n" in text  # not in the official's own words
    assert "由区住房和城乡建设局牵头，区财政局配合，2026年6月30日前完成。" in text
    assert text.count("组织实施") == 2  # what is said to be done is printed, of what was only noted as well
    assert "列席" not in text  # nobody but members was there


def test_whoever_was_sent_sits_in_for_the_one_who_sent_them() -> None:
    meeting = open_meeting()
    sender, sent = meeting.attendance[-1].official, "hc-zjj-principal"
    meeting.attendance[-1] = replace(
        meeting.attendance[-1], present=False, status=Presence.represented, delegate=sent, reason="开会"
    )
    meeting.attendance.append(Attendance(sent, True, capacity=Capacity.delegate))
    text, name = text_of(meeting, resolution("t1")), PEOPLE.official_names
    assert f"列席：区住房和城乡建设局局长{name[sent]}（代{name[sender]}）" in text
    assert f"替会：区政府党组成员{name[sender]}（由{name[sent]}代会）" in text
    meeting.members = []  # a kind without members: whoever was called attends
    attended = next(line for line in text_of(meeting, resolution("t1")).splitlines() if line.startswith("出席："))
    assert name[meeting.chair or ""] in attended
    assert name[sent] not in attended


def test_without_a_date_the_text_says_how_hard_the_matter_is_and_what_is_revoked_says_so() -> None:
    one = resolution("t1", difficulty=Difficulty.complex)
    assert "按复杂事项办理" in text_of(open_meeting(), one)
    assert "按复杂事项办理" not in (text := text_of(open_meeting(), one, revoked=frozenset({one.decision_id})))
    assert "已撤销" in text


def test_whoever_chaired_as_entrusted_is_printed_so() -> None:
    meeting = open_meeting()
    assert meeting.chair
    meeting.entrustment = Entrustment(meeting.chair, "hc-head", "出差", at(DAY), at(DAY))
    assert "（受委托）主持召开" in text_of(meeting, resolution("t1"))


def test_officials_are_named_by_rank_and_then_in_the_order_of_their_posts_with_unit_and_title() -> None:
    meeting = open_meeting()
    guests = ["hc-zjj-clerk", "hc-czj-principal", "hc-hwjd-principal", "hc-office-director"]
    meeting.attendance = [
        *(Attendance(official, True, capacity=Capacity.topic) for official in guests),
        *reversed(meeting.attendance),
    ]
    words = minutes_text.words(meeting, KIND, PEOPLE, GOVERNMENT, [resolution("t1")])
    assert words.present[:3] == ("区长陆竹棠", "第一副区长秦砚桐", "副区长温景洲")
    assert words.others == (
        "区政府办公室主任阮言尧",
        "区财政局局长冉初宁",
        "海湾街道办事处主任冉承桐",
        "区住房和城乡建设局郁予序",
    )
    posts = sorted(PEOPLE.posts, key=lambda post: post.official != "hc-dep5")  # another order of the same posts
    other = PEOPLE.model_copy(update={"posts": tuple(posts)})
    assert minutes_text.words(meeting, KIND, other, GOVERNMENT, []).present[2] == "副区长俞朗韬"


def test_a_post_in_the_government_is_named_before_one_in_its_party_group() -> None:
    people = composition_of("dalian")
    assert styled(people, book("dalian").government.titles, "dl-sg", DAY) == f"秘书长{people.official_names['dl-sg']}"


def test_a_title_that_the_composition_lacks_is_the_rulebooks() -> None:
    posts = tuple(post.model_copy(update={"title": ""}) for post in PEOPLE.posts)
    untitled = PEOPLE.model_copy(update={"posts": posts})
    words = minutes_text.words(open_meeting(), KIND, untitled, GOVERNMENT, [])
    assert words.present[:3] == ("区长陆竹棠", "第一副区长秦砚桐", "副区长温景洲")


def test_a_head_who_entrusted_the_chair_is_not_missing_without_leave() -> None:
    meeting = open_meeting()
    meeting.opened_at, meeting.members = None, []
    given = [Attendance(each, each != "hc-head") for each in participants.expected(meeting, KIND, PEOPLE)]
    meeting.entrustment = Entrustment("hc-exec", "hc-head", "参加市里会议", at(DAY), at(DAY))
    meeting.attendance = roll_call(meeting, KIND, PEOPLE, given, "hc-exec", at(DAY))
    meeting.chair, meeting.opened_at, meeting.members = "hc-exec", at(DAY), KIND_MEMBERS
    text = text_of(meeting, resolution("t1"))
    assert "请假：区长陆竹棠（委托秦砚桐主持）\n" in text
    assert "缺席" not in text


def test_the_recipients_are_the_members_and_the_units_concerned() -> None:
    one = resolution("t1", co_units=(Unit(code="hc-czj", name="区财政局"),))
    text = text_of(open_meeting(), one)
    assert text.endswith("\n分送：会议组成人员、区财政局、区住房和城乡建设局\n")
    imprint = minutes_document.layout(some_minutes(text=text)).imprint
    assert imprint
    assert (imprint.copies_label, imprint.copies) == ("分送", "会议组成人员、区财政局、区住房和城乡建设局")


def test_a_correction_says_what_it_replaces_and_why() -> None:
    minutes = some_minutes()
    minutes_.seal(minutes, signature(), "〔2026〕3号", PEOPLE, entrusted=False)
    decision = in_force()
    made = decisions.amendment(decision, decision.resolution.model_copy(update={"task": "另行办理"}))
    note = minutes_document.replacement(minutes, [made], "任务表述有误。")
    assert note == "本纪要替代2026年2月12日签发的〔2026〕3号会议纪要，更正第一项决定。更正理由：任务表述有误。"
    assert "更正文字表述" in minutes_document.replacement(minutes, [], "笔误")
    assert "撤销第一项决定" in minutes_document.replacement(minutes, [decisions.amendment(decision, None)], "不再实施")
    words = minutes_text.words(open_meeting(), KIND, PEOPLE, GOVERNMENT, [decision.resolution], corrects=note)
    text = minutes_template.render(None, words)
    correction = some_minutes(
        number=2, cause=Cause.correction, reason="任务表述有误。", corrects=1, amendments=[made], text=text
    )
    assert minutes_document.layout(correction, minutes).paragraphs.count(note) == 1
    correction.text = some_minutes().text  # by a person who didn't say so
    assert minutes_document.layout(correction, minutes).paragraphs[0] == note


@pytest.mark.parametrize(
    ("n", "word"), [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (99, "九十九"), (100, "一百"), (105, "一百零五")]
)
def test_items_are_counted_in_chinese(n: int, word: str) -> None:
    assert minutes_text.ordinal(n) == word


@pytest.mark.parametrize(
    ("template", "wrong"),
    [
        ("{{ secret }}", "secret"),
        ("{% for x %}", "template"),
        ("{{ kind.__class__.mro() }}", "unsafe"),
        ("{{ items[9] }}", "9"),
        ("{% for each in items %}{{ each.title }}{% endfor %}", "sentence"),
    ],
)
def test_a_rulebooks_template_that_could_fail_or_break_out_is_refused_when_it_is_loaded(
    template: str, wrong: str
) -> None:
    chain = {"clause": "HC-53", "steps": [{"step": "draft", "by": "office"}, {"step": "sign", "by": "chair"}]}
    whole = "{{ kind }}{% for each in items %}{{ each.title }}：{{ each.sentence }}{% endfor %}"
    assert MinutesRule.model_validate(chain | {"template": whole}).template
    with pytest.raises(ValueError, match=wrong):
        MinutesRule.model_validate(chain | {"template": template})


def test_a_governments_own_template_takes_the_place_of_the_default_one() -> None:
    words = minutes_text.words(open_meeting(), KIND, PEOPLE, GOVERNMENT, [resolution("t1")])
    assert minutes_template.render("{{ kind }}：{{ items | length }}项", words) == "常务会议：1项\n"


# the text and the record ----------------------------------------------------------------------------------------------
def test_an_edited_text_keeps_every_decision_word_for_word_and_in_its_order() -> None:
    one, two = resolution("t1"), resolution("t2", number=2, task="另一任务")
    items = minutes_text.words(open_meeting(), KIND, PEOPLE, GOVERNMENT, [one, two]).items
    first, second = (f"{each.title}\n　　{each.sentence[:6]}\n{each.sentence[6:]}" for each in items)
    minutes_text.require_sentences(f"纪要\n会议认为……\n{first}\n会议强调……\n{second}", items, "HC-53")
    wrong = (
        f"{first}\n",
        f"{second}\n{first}",
        f"{first}\n{second.replace('另一任务', '另一项任务')}",
        f"{first}\n{second.replace(two.lead.name if two.lead else '', '区财政局')}",
    )
    for text in wrong:
        with pytest.raises(Problem, match="decision_not_in_the_text") as refused:
            minutes_text.require_sentences(text, items, "HC-53")
        assert refused.value.extra["missing"] in (items[0].sentence, items[1].sentence, items[1].title)
        assert items[1].title in refused.value.detail.zh or items[0].title in refused.value.detail.zh


@pytest.mark.parametrize(
    ("nature", "said"),
    [(TopicNature.study, "会议进行了专题学习。"), (TopicNature.transmission, "会议传达学习了有关精神。"),
     (TopicNature.deliberation, "会议听取了汇报。"), (None, "会议听取了汇报。")],
)  # fmt: skip
def test_a_noted_topic_is_described_by_its_nature_with_the_meetings_requests(
    nature: TopicNature | None, said: str
) -> None:
    noted = resolution("t1", outcome=Outcome.noted, task="", lead=None)
    assert minutes_text.sentence(noted, nature) == said
    asked = noted.model_copy(update={"task": "各部门抓好落实。", "lead": Unit(code="x", name="区政府办公室")})
    assert minutes_text.sentence(asked, nature) == f"{said}各部门抓好落实。由区政府办公室牵头。"


def test_whoever_is_not_there_is_on_leave_away_represented_or_absent_as_the_circular_says() -> None:
    meeting, name = open_meeting(), PEOPLE.official_names
    ill, trip, absent = (each.official for each in meeting.attendance[-3:])
    act = Act("hc-head", at(DAY), at(DAY))
    meeting.leaves = [
        LeaveRequest(ill, LeaveReason.health, "住院", [], "HC-52", act, AnswerState.approved)
    ]  # fmt: skip
    meeting.attendance[-3:] = [
        Attendance(ill, False, "住院", status=Presence.on_leave),
        Attendance(trip, False, status=Presence.away),
        Attendance(absent, False, status=Presence.absent),
    ]
    away = Absent(
        absence_id="a", official=trip, absence_kind=AbsenceKind.official_trip, since=DAY, until=DAY, clause="X-1",
        stand_ins=(),
    )  # fmt: skip
    people = PEOPLE.with_absences([away])
    text = minutes_template.render(None, minutes_text.words(meeting, KIND, people, GOVERNMENT, [resolution("t1")]))
    assert f"\n请假：副区长{name[ill]}\n" in text  # an illness isn't made public
    assert f"\n外出：区政府党组成员{name[trip]}（出差）\n" in text
    assert f"\n缺席：区政府党组成员{name[absent]}\n" in text


def test_who_chairs_without_being_a_member_attends() -> None:
    meeting, guest = open_meeting(), "hc-zjj-principal"
    meeting.attendance.append(Attendance(guest, True, capacity=Capacity.chair))
    meeting.chair = guest
    words = minutes_text.words(meeting, KIND, PEOPLE, GOVERNMENT, [resolution("t1")])
    assert f"区住房和城乡建设局局长{PEOPLE.official_names[guest]}" in words.present and not words.others


def test_both_who_chaired_are_named_with_when_and_the_figures_of_the_quorum_stand_where_one_is_asked_for() -> None:
    meeting = open_meeting()
    meeting.quorum_needed = QuorumNeeded(5, "HC-43")
    meeting.handovers = [Handover("hc-head", "hc-exec", "另有公务", Act("c", at(DAY, 10, 5), at(DAY, 10, 5)))]
    gone = next(each for each in meeting.members if each not in ("hc-head", "hc-exec"))
    meeting.movements = [Movement(gone, Move.left, None, Act("c", at(DAY, 10), at(DAY, 10)))]
    meeting.attendance = [
        replace(each, left_at=at(DAY, 10)) if each.official == gone else each for each in meeting.attendance
    ]
    text, name = text_of(meeting, resolution("t1")), PEOPLE.official_names
    n = len(meeting.members)
    assert f"区长{name['hc-head']}主持召开第2次常务会议，10时05分起由第一副区长{name['hc-exec']}主持。" in text
    assert f"应到组成人员{n}人，开会时实到{n}人，会议期间最少{n - 1}人，法定人数5人。" in text


# versions -----------------------------------------------------------------------------------------------------------
def test_a_signature_seals_the_text_and_gives_the_number() -> None:
    minutes = some_minutes()
    minutes_.seal(minutes, signature(), "〔2026〕3号", PEOPLE, entrusted=False)
    assert (minutes.state, minutes.signed_by, minutes.issue) == (MinutesState.signed, "hc-head", "〔2026〕3号")
    assert minutes.digest == minutes_.digest_of(minutes.text)
    assert minutes.signature == PEOPLE.official_names["hc-head"]


@pytest.mark.parametrize(("entrusted", "behalf", "printed"), [(True, None, "受委托"), (False, "hc-head", "代行")])
def test_who_signs_for_another_is_printed_so(entrusted: bool, behalf: str | None, printed: str) -> None:
    minutes = some_minutes()
    minutes_.seal(minutes, signature("hc-exec", on_behalf_of=behalf), "〔2026〕3号", PEOPLE, entrusted=entrusted)
    assert minutes.signature.startswith(PEOPLE.official_names["hc-exec"])
    assert printed in minutes.signature
    assert printed in minutes_document.layout(minutes).attendees[-1].people


def test_a_version_becomes_a_document_part_by_part() -> None:
    layout = minutes_document.layout(some_minutes())
    assert (layout.mark, layout.title, layout.number) == ("威海市环翠区人民政府常务会议纪要", "", "（未签发稿）")
    assert layout.paragraphs == ("某日，某人主持会议。", "一、议题", "会议审议通过。")
    assert [(block.label, block.people) for block in layout.attendees] == [("出席", "甲、乙"), ("请假", "丙（出差）")]
    signed = some_minutes(cause=Cause.correction)
    minutes_.seal(signed, signature(), "〔2026〕3号", PEOPLE, entrusted=False)
    assert minutes_document.layout(signed).number == "〔2026〕3号（更正）"


@pytest.mark.parametrize("text", ["", " " * 12, "\n\u3000\n"])
def test_a_version_without_words_becomes_a_document_all_the_same(text: str) -> None:
    layout = minutes_document.layout(some_minutes(text=text))
    assert (layout.title, layout.paragraphs, layout.attendees) == ("", (), ())
    assert docx(layout).startswith(b"PK")


@pytest.mark.parametrize("text", [" " * 12, "\n" * 12, "\u3000" * 12])
def test_no_text_of_blanks_is_taken_for_minutes_nor_for_a_reason(text: str) -> None:
    for payload, body in (
        (DraftMinutes, {"text": text}),
        (CorrectMinutes, {"reason": "笔误", "text": text}),
        (ReturnMinutes, {"reason": text}),
        (ResolutionChanges, {"task": text}),
    ):
        with pytest.raises(ValidationError, match="string_pattern_mismatch"):
            payload.model_validate(body)
    assert DraftMinutes.model_validate({"text": None}).text is None


def test_a_returned_version_waits_no_more_and_stays_returned() -> None:
    minutes, meeting = some_minutes(), open_meeting()
    assert minutes_.require_waiting(meeting, minutes, "HC-53") is minutes
    minutes_.give_back(minutes, Returned("hc-head", "表述不准确", at(DAY, 14), at(DAY, 14)))
    with pytest.raises(Problem, match="minutes_returned") as refused:
        minutes_.require_waiting(meeting, minutes, "HC-53")
    assert "表述不准确" in refused.value.detail.zh
    minutes_.supersede(minutes)
    assert minutes.state == MinutesState.returned
    older = some_minutes()
    minutes_.supersede(older)
    assert older.state == MinutesState.superseded


@pytest.mark.parametrize("state", [MeetingState.closed, MeetingState.minuted])
def test_only_where_the_rulebook_leaves_it_to_the_chair_there_may_be_no_minutes(state: MeetingState) -> None:
    meeting = open_meeting()
    meeting.state = state
    with pytest.raises(Problem, match="minutes_required") as refused:
        minutes_.require_optional(KIND, meeting)
    assert refused.value.clause == "HC-53"
    minutes_.require_optional(book("huancui").kind("plenary"), meeting)
    meeting.state = MeetingState.signed
    with pytest.raises(Problem, match="illegal_state"):
        minutes_.require_optional(book("huancui").kind("plenary"), meeting)


# corrections --------------------------------------------------------------------------------------------------------
def test_a_correction_says_what_changes_field_by_field() -> None:
    decision = in_force(due=date(2026, 6, 30))
    after = decision.resolution.model_copy(update={"due": None, "lead": Unit(code="hc-czj", name="区财政局")})
    made = decisions.amendment(decision, after)
    assert made.effect == Effect.amended
    assert {c.field: (c.before, c.after) for c in made.changes} == {
        "due": ("2026-06-30", None),
        "lead": (decision.resolution.lead.name, "区财政局"),
    }


@pytest.mark.parametrize(
    ("before", "after", "effect", "standing"),
    [
        (Outcome.passed, Outcome.passed_in_principle, Effect.amended, Standing.amended),
        (Outcome.passed, Outcome.deferred, Effect.revoked, Standing.revoked),
        (Outcome.deferred, Outcome.passed, Effect.adopted, Standing.adopted),
        (Outcome.deferred, Outcome.noted, Effect.noted, Standing.recorded),
    ],
)
def test_another_outcome_adopts_amends_or_revokes(
    before: Outcome, after: Outcome, effect: Effect, standing: Standing
) -> None:
    decision = in_force(outcome=before)
    made = decisions.amendment(decision, decision.resolution.model_copy(update={"outcome": after}))
    assert made.effect == effect
    revision = Revision(2, made.effect, "笔误", made.changes, "hc-head", at(DAY, 17))
    decisions.correct(decision, made, RULE, revision)
    assert (decision.standing, decision.revision, decision.resolution.outcome) == (standing, 2, after)
    assert decision.revisions == [revision]
    if effect == Effect.adopted:
        assert (decision.signed_at, decision.publication) == (at(DAY, 17), PublicationState.outstanding)
    if effect == Effect.revoked:
        assert decision.publication == PublicationState.not_asked


def test_what_is_revoked_is_not_corrected_and_what_was_never_in_force_not_revoked() -> None:
    decision = in_force()
    decision.standing = Standing.revoked
    for after in (None, decision.resolution.model_copy(update={"task": "另行办理"})):
        with pytest.raises(Problem, match="decision_revoked"):
            decisions.amendment(decision, after)
    with pytest.raises(Problem, match="nothing_to_revoke"):
        decisions.amendment(in_force(outcome=Outcome.deferred), None)


def test_a_correction_that_changes_nothing_or_names_a_unit_twice_is_refused() -> None:
    decision = in_force()
    with pytest.raises(Problem, match="nothing_changes"):
        decisions.amendment(decision, decision.resolution)
    twice = decision.resolution.model_copy(update={"co_units": (decision.resolution.lead,)})
    with pytest.raises(Problem, match="lead_twice"):
        decisions.amendment(decision, twice)


# publication and execution ------------------------------------------------------------------------------------------
def published(hour: int = 16) -> PublicationRecord:
    return PublicationRecord(PublicationState.published, "x", at(DAY, 18), at(DAY, hour), "门户网站")


WITHHELD = PublicationRecord(PublicationState.withheld, "x", at(DAY, 18), reason="涉及工作秘密")


def test_a_decision_is_outstanding_until_it_is_published_or_withheld_with_the_reason() -> None:
    decision = in_force()
    assert (decision.publication, decision.publication_clause) == (PublicationState.outstanding, "HC-30")
    decisions.publish(decision, WITHHELD)
    assert decision.publication == PublicationState.withheld
    decisions.publish(decision, published())  # what was withheld may become public later
    assert (decision.publication, decision.publication_record) == (PublicationState.published, published())
    with pytest.raises(Problem, match="published_already"):
        decisions.publish(decision, WITHHELD)


def test_what_may_not_be_published_is_only_withheld() -> None:
    decision = in_force(may_be_published=False)
    with pytest.raises(Problem, match="not_for_the_public") as refused:
        decisions.publish(decision, published())
    assert refused.value.clause == "HC-30"
    decisions.publish(decision, WITHHELD)


def test_nothing_is_published_before_the_signature_nor_where_the_rules_dont_ask() -> None:
    with pytest.raises(Problem, match="published_before_signature"):
        decisions.publish(in_force(), published(hour=14))
    with pytest.raises(Problem, match="not_in_force"):
        decisions.publish(a_decision(), published())
    unasked = a_decision()
    decisions.adopt(unasked, None, at(DAY, 15))
    with pytest.raises(Problem, match="publication_not_asked"):
        decisions.publish(unasked, published())


def test_the_execution_of_a_decision_in_force_is_followed() -> None:
    decision = in_force()
    moment = at(DAY + timedelta(days=30))
    feedback = Execution(ExecutionKind.feedback, "居民反映进度偏慢", "居民代表", "x", moment, moment)
    decisions.follow(decision, feedback, "HC-25")
    assert decision.executions == [feedback]
    with pytest.raises(Problem, match="executed_before_signature"):
        decisions.follow(decision, replace(feedback, occurred_at=at(DAY, 10)), "HC-25")
    decision.standing = Standing.revoked
    with pytest.raises(Problem, match="not_in_force") as refused:
        decisions.follow(decision, feedback, "HC-25")
    assert refused.value.clause == "HC-25"


def test_who_signs_is_warned_of_decisions_that_no_ledger_takes() -> None:
    meeting, rules = open_meeting(), book("huancui")
    without = rules.model_copy(update={"supervision": None})
    assert minutes_.warnings(some_minutes(), meeting, without) == []
    meeting.resolutions = [resolution("t", outcome=Outcome.deferred)]
    assert minutes_.warnings(some_minutes(), meeting, without) == []
    meeting.resolutions = [resolution("t", outcome=Outcome.passed)]
    (warning,) = minutes_.warnings(some_minutes(), meeting, without)
    assert "no supervision ledger" in warning.en
    assert "督查台账" in warning.zh
    assert minutes_.warnings(some_minutes(), meeting, rules) == []
    assert minutes_.warnings(some_minutes(), meeting, None) == []
