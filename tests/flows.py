"""Flows that together carry out every command of the four services, most of them tests of other modules run on another
transport: one that makes a race of each command, or one on which others try it first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import httpx

from demo.main_job import MainJob
from tests import sixth
from tests.calendar.absence import test_absence_api as absences
from tests.calendar.year import test_calendar_changes as changes
from tests.caller import HEAD, OFFICE, PRINCIPAL, Caller
from tests.conftest import composition_of, scenario_of
from tests.contents import PDF
from tests.meeting import offices as meeting_offices
from tests.meeting.council import DAY, SUBMITTED, Council
from tests.meeting.meeting import test_meeting_api as meetings
from tests.meeting.minutes import test_minutes_api as minutes
from tests.meeting.planning_request import test_planning_api as planning
from tests.meeting.topic import test_topic_api as topics
from tests.oversight.course import test_course_api as courses
from tests.oversight.course import test_succession_api as successions
from tests.oversight.course import test_year_end_api as year_ends
from tests.oversight.instruction import test_instruction_api as instructions
from tests.oversight.matter import matters_of
from tests.oversight.notice import test_notice_api as notices
from tests.oversight.part import test_part_api as parts
from tests.oversight.pressure import test_pressure_api as pressures
from tests.oversight.source import test_source_api as matters
from tests.races import Operation
from tests.shared.web import test_due_routes as due_routes
from zhengling.events.event import SERVICES
from zhengling.local.client import Api, Json, at, load_composition
from zhengling.local.stack import EmbeddedStack


@dataclass
class Ground:
    """The stack as a flow sees it, through its own client."""

    stack: EmbeddedStack
    client: httpx.AsyncClient

    def api(self, government: str) -> Api:
        return Api(self.stack.addresses(), self.stack.issuer, government, self.client)

    async def founded(self, government: str) -> Api:
        """The API of a government whose people every service knows."""
        api = self.api(government)
        people = sixth.COMPOSITION if government == sixth.CODE else composition_of(government)
        version = (await load_composition(api, people))["version"]
        connection = await asyncpg.connect(self.stack.database_admin_url, database="calendar")
        known = "SELECT max(version) FROM composition WHERE government = $1"
        async with asyncio.timeout(60):
            while (await connection.fetchval(known, government) or 0) < version:
                await asyncio.sleep(0.05)
        await connection.close()
        return api

    async def office(self, government: str) -> meeting_offices.Office:
        office = meeting_offices.Office(await self.founded(government))
        await office.api.set_clock(at(meeting_offices.SUBMITTED))
        return office

    async def town(self, government: str) -> planning.Town:
        town = planning.Town(await self.founded(government))
        await town.today(planning.BEGIN)
        return town

    async def absences(self, government: str) -> absences.Office:
        return absences.Office(await self.founded(government))

    async def desk(self, government: str) -> topics.Desk:
        desk = topics.Desk(self.api(government))
        await desk.begin()
        return desk

    async def hold(self, government: str = sixth.CODE) -> Callable[..., Council]:
        api = await self.founded(government)
        people = sixth.COMPOSITION if government == sixth.CODE else composition_of(government)
        scenario = sixth.SCENARIO if government == sixth.CODE else scenario_of(government)

        def make(_: str = government, **changes: Any) -> Council:
            plain = {"due": None} if government != sixth.CODE else {}
            decisions = tuple(each.model_copy(update=plain) for each in scenario.decisions)
            update = {"breach": None, "submitted": SUBMITTED, "day": DAY, "decisions": decisions} | changes
            return Council(api, MainJob(api, people, scenario.model_copy(update=update)))

        return make

    @property
    def caller(self) -> Caller:
        return Caller(self.stack, self.client)


@asynccontextmanager
async def ground_of(stack: EmbeddedStack, transport: httpx.AsyncBaseTransport) -> AsyncIterator[Ground]:
    """The ground of a flow on this transport; real business time is put back at the end."""
    async with httpx.AsyncClient(timeout=60, transport=transport) as client:
        yield Ground(stack, client)
    async with httpx.AsyncClient(timeout=30) as client:
        await Api(stack.addresses(), stack.issuer, sixth.CODE, client).set_clock(None)


FLOWS: dict[str, tuple[Callable[[Ground], Awaitable[None]], set[Operation]]] = {}


def flow(**drives: str) -> Callable[[Callable[[Ground], Awaitable[None]]], Callable[[Ground], Awaitable[None]]]:
    """Registers a flow with the operations, by service, that it has to bring to a race."""

    def register(run: Callable[[Ground], Awaitable[None]]) -> Callable[[Ground], Awaitable[None]]:
        FLOWS[run.__name__] = run, {(service, name) for service, names in drives.items() for name in names.split()}
        return run

    return register


# meetings -----------------------------------------------------------------------------------------------------------
@flow(
    meeting="load_composition submit_topic take_topic_step call_meeting add_to_agenda take_agenda_step open_session "
    "record_decision close_session draft_minutes take_minutes_step"
)
async def the_main_job(ground: Ground) -> None:
    await MainJob(ground.api(sixth.CODE), sixth.COMPOSITION, sixth.SCENARIO.model_copy(update={"breach": None})).run()


@flow(
    meeting="order_agenda add_to_approved_agenda remove_from_agenda hand_out_papers declare_devices record_movement "
    "withdraw_decision take_papers_back"
)
async def a_session_in_huancui(ground: Ground) -> None:
    offices = {"huancui": await ground.office("huancui")}
    await meetings.test_in_huancui_a_session_is_prepared_opened_left_by_too_many_and_closed(offices)


@flow(
    meeting="propose_invitees take_invitee_step send_notice acknowledge_notice ask_meeting_leave answer_meeting_leave "
    "withdraw_meeting_leave send_delegate answer_delegate"
)
async def a_plenary_in_dalian(ground: Ground) -> None:
    offices = {"dalian": await ground.office("dalian")}
    await meetings.test_in_dalian_the_list_of_invitees_the_notice_leave_and_a_delegate_come_before_the_plenary(offices)


@flow(meeting="consent_to_outsiders")
async def outsiders_in_shuangtaizi(ground: Ground) -> None:
    offices = {"shuangtaizi": await ground.office("shuangtaizi")}
    await meetings.test_in_shuangtaizi_a_deputys_meeting_asks_outsiders_only_with_the_heads_consent(offices)


@flow(meeting="postpone_meeting cancel_meeting")
async def a_meeting_that_is_called_off(ground: Ground) -> None:
    offices = {"zhanqian": await ground.office("zhanqian")}
    await meetings.test_in_zhanqian_a_meeting_is_postponed_notified_again_and_then_cancelled(offices)


@flow(meeting="withdraw_invitee arrange_recording approve_staff entrust_chair hand_over_chair")
async def what_else_a_session_has(ground: Ground) -> None:
    office = await ground.office("huancui")
    study, matter = await office.topic("office", "study"), await office.topic("zjj")
    day = meeting_offices.DAY + timedelta(days=14)
    meeting = await office.approve(await office.add(await office.call(day=str(day)), study, matter))
    meeting = await office.do(meeting, "recording", {"by": "宣传科"})
    meeting = await office.do(meeting, "invitees", {"invitees": [{"name": "特邀专家"}]})
    number = meeting["invitees"][0]["number"]
    meeting = await office.do(meeting, "invitees/withdrawals", {"number": number, "reason": "另有安排"})
    meeting = await office.do(meeting, "entrustment", {"to": "hc-exec", "reason": "届时参加市里会议"}, "head")
    staff = {"topic_id": matter["id"], "official": "hc-zjj-clerk", "reason": "演示"}
    meeting = await office.do(meeting, "staff", staff)
    await office.api.set_clock(at(day, 9))
    meeting = await office.do(meeting, "devices", {})
    meeting = await office.open(meeting, chair="exec")
    meeting = await office.do(meeting, "handover", {"to": "hc-head", "reason": "区长到会"})
    assert meeting["chair"] == "hc-head"


@flow(meeting="send_attendance_circular")
async def a_circular(ground: Ground) -> None:
    office = await ground.office("xigang")
    body = {"since": "2026-02-12", "until": "2026-02-12", "recipients": "各部门"}
    await office.api.command("meeting", "/v1/attendance/circulars", body, office.who("office-clerk"))


# topics -------------------------------------------------------------------------------------------------------------
@flow(meeting="take_position write_coordination_note coordinate sign_topic_form concern_organisations")
async def departments_that_disagree(ground: Ground) -> None:
    desk = await ground.desk("huancui")
    await desk.submit("hc-zjj-clerk", sponsor="hc-zjj", matter="planning")
    await desk.do("concerned", "hc-zjj-clerk", organisations=["hc-czj"])
    await topics.test_departments_agree_or_their_disagreement_is_coordinated_before_the_principals_sign(desk)


@flow(meeting="record_gate")
async def gates_of_a_topic(ground: Ground) -> None:
    await topics.test_the_justice_organ_records_its_legality_review_even_after_a_failed_one(
        await ground.desk("huancui")
    )


@flow(meeting="return_topic add_paper resubmit_topic withdraw_topic")
async def a_topic_that_comes_again(ground: Ground) -> None:
    desk = await ground.desk("xigang")
    await topics.test_a_returned_topic_comes_again_with_new_papers_and_keeps_what_it_went_through(desk)
    await topics.test_a_withdrawn_topic_takes_no_step_and_may_come_again(desk)


@flow(meeting="state_urgency")
async def an_urgent_topic(ground: Ground) -> None:
    await topics.test_only_a_stated_urgency_waives_the_fifteen_days_and_stated_later_it_is_seen_by_everybody_again(
        ground.api
    )


@flow(meeting="admit_late_topic")
async def late_papers(ground: Ground) -> None:
    make = await ground.hold()
    job, api = make().job, ground.api(sixth.CODE)
    await api.set_clock(at(SUBMITTED))
    topic = await job.walk_topic(await job.submit(job.scenario.decisions[0]))
    meeting = await job.call_meeting(SUBMITTED + timedelta(days=1))
    body = {"meeting_id": meeting["id"], "reason": "情况紧急"}
    path = f"/v1/topics/{topic['id']}/late-admission"
    topic = await api.command("meeting", path, body, "lh-exec", topic["version"])
    assert topic["late_admission"]["meeting_id"] == meeting["id"]


@flow(meeting="name_prior_meeting")
async def a_topic_after_a_special_meeting(ground: Ground) -> None:
    await ground.founded("xigang")
    await MainJob(ground.api("xigang"), composition_of("xigang"), scenario_of("xigang")).run()


# minutes and decisions ----------------------------------------------------------------------------------------------
@flow(meeting="return_minutes correct_minutes")
async def minutes_that_are_corrected(ground: Ground) -> None:
    hold = await ground.hold()
    await minutes.test_whoever_is_next_returns_a_draft_with_a_reason_and_then_it_waits_no_more(hold)
    await minutes.test_a_correction_changes_nothing_before_it_is_signed_and_then_the_ledger_follows(hold)


@flow(meeting="replace_decision")
async def a_decision_recorded_wrongly(ground: Ground) -> None:
    hold = await ground.hold()
    await minutes.test_a_decision_recorded_wrongly_is_replaced_and_text_ledger_and_drafts_say_the_same(hold)


@flow(meeting="waive_minutes")
async def a_session_without_minutes(ground: Ground) -> None:
    hold = await ground.hold("huancui")
    await minutes.test_where_the_chair_decides_on_no_minutes_every_decision_is_supervised_all_the_same(hold)


@flow(meeting="publish_decision")
async def a_decision_that_is_published(ground: Ground) -> None:
    hold = await ground.hold("zhanqian")
    await minutes.test_publication_is_outstanding_until_published_or_withheld_with_the_reason(hold)


@flow(meeting="follow_execution")
async def a_decision_that_is_followed(ground: Ground) -> None:
    hold = await ground.hold()
    await minutes.test_feedback_evaluation_and_adjustment_stand_on_the_decision(hold)


# planning -----------------------------------------------------------------------------------------------------------
@flow(
    meeting="take_planning_step lift_planning_hindrance record_invitations return_planning_request "
    "resubmit_planning_request refuse_planning_request record_holding withdraw_planning_request"
)
async def requests_in_xigang(ground: Ground) -> None:
    xigang = await ground.town("xigang")
    await planning.test_a_late_request_is_refused_or_let_be_by_the_head_with_how_late_it_was_on_record(xigang)
    await xigang.today(planning.BEGIN)
    await planning.test_street_principals_are_invited_only_once_the_meeting_is_approved(xigang)
    await planning.test_a_lift_covers_no_invitee_who_was_added_after_it(xigang)
    await planning.test_a_request_is_refused_with_a_reason_and_nothing_happens_to_it_afterwards(xigang)
    await planning.test_what_was_approved_is_held_on_its_day_only(xigang)
    await xigang.today(planning.BEGIN)
    await planning.test_every_act_on_a_request_leaves_its_audit_row(xigang, ground.stack)


@flow(meeting="ask_to_hold")
async def a_request(ground: Ground) -> None:
    xigang = await ground.town("xigang")
    await xigang.ask("jyj-clerk", "district-meeting", planning.BEGIN + timedelta(days=90), **planning.WRITTEN)


@flow(meeting="record_hosting_reply")
async def a_meeting_that_is_hosted(ground: Ground) -> None:
    await planning.test_hosting_is_replied_to_only_once_it_is_approved(await ground.town("shuangtaizi"))


@flow(meeting="hand_in_plan_items take_plan_step declare_committee_decision add_plan_item open_meeting_plan")
async def the_yearly_plan(ground: Ground) -> None:
    dalian = await ground.town("dalian")
    await dalian.api.command("meeting", "/v1/meeting-plans", {"year": 2028}, dalian.who("office-clerk"))
    await planning.test_the_yearly_plan_is_collected_reviewed_adopted_and_then_only_added_to_through_the_door(dalian)


DEADLINE = ("extension", {"to": "{later}", "reason": "须补充论证"}), ("suspension", {"reason": "等待补正材料"}), (
    "resumption", {"reason": "材料已补正"},
)  # fmt: skip


async def adjusted(api: Api, service: str, place: str, later: str, by: str) -> None:
    """Extend, suspend and resume the first due date of a noun."""
    found = await api.get(service, f"{place}/deadlines", by)
    for act, body in DEADLINE:
        given = {name: value.format(later=later) for name, value in body.items()}
        found = await due_routes.adjust(api, service, place, found, act, by, **given)


@flow(meeting="extend_meeting_plan_deadline suspend_meeting_plan_deadline resume_meeting_plan_deadline")
async def the_date_of_a_plan(ground: Ground) -> None:
    dalian = await ground.town("dalian")
    await dalian.api.command("meeting", "/v1/meeting-plans", {"year": 2029}, dalian.who("office-clerk"))
    await adjusted(dalian.api, "meeting", "/v1/meeting-plans/2029", "2028-12-18", "dl-head")


@flow(
    oversight="set_entry_due extend_entry_deadline suspend_entry_deadline resume_entry_deadline",
)
async def the_date_of_an_entry(ground: Ground) -> None:
    await due_routes.test_an_entrys_stated_date_is_extended_suspended_and_resumed_and_everybody_hears_of_it(ground.api)


@flow(
    oversight="accept_entry report_entry_progress report_entry_done send_entry_back verify_entry close_entry look_back_at_entry "
    "reopen_entry refuse_entry transfer_entry contribute_to_entry explain_entry"
)
async def the_course_of_a_matter(ground: Ground) -> None:
    for step in (
        courses.test_a_matter_is_accepted_reported_returned_verified_closed_looked_back_at_and_reopened,
        courses.test_a_matter_is_refused_within_its_days_and_given_to_another_unit,
        courses.test_an_explanation_leaves_the_date_and_makes_progress_regular,
    ):
        await step("xigang", ground.api)
    await courses.test_a_co_unit_returns_to_the_lead_and_its_lateness_is_its_own(ground.api)


@flow(oversight="succeed_entry")
async def a_matter_of_an_abolished_unit(ground: Ground) -> None:
    people = await ground.founded("xigang")
    await successions.test_the_successor_of_an_abolished_unit_takes_a_matter_over_as_it_stands(people)
    await ground.founded("xigang")


@flow(
    oversight="open_entry open_entries add_entry_source withdraw_entry_source merge_entry separate_entry",
)
async def matters_opened_by_hand(ground: Ground) -> None:
    await matters.test_of_two_merged_matters_one_revoked_and_one_withdrawn_ends_the_matter_and_undoing_gives_both_back(
        "xigang", ground.api
    )
    await matters.test_a_matter_without_any_source_left_ends(ground.api)
    await matters.test_of_many_matters_a_wrong_one_takes_no_other_with_it_and_leaves_no_number_behind(ground.api)


@flow(oversight="divide_entry")
async def a_matter_in_parts(ground: Ground) -> None:
    await parts.test_each_part_has_its_own_clock_report_and_light_and_the_matter_is_done_and_closed_after_them(
        "xigang", ground.api
    )


@flow(oversight="acknowledge_entry")
async def a_leaders_instruction(ground: Ground) -> None:
    async with instructions.leaders_of(ground.stack, ground.api) as leaders:
        await instructions.test_a_matter_of_an_instruction_is_finished_when_its_leader_has_seen_the_result(
            "xigang", leaders
        )


@flow(oversight="carry_over_entry carry_over_entries")
async def the_years_end(ground: Ground) -> None:
    await year_ends.test_a_matter_that_isnt_cleared_goes_on_in_the_next_year_once_under_its_number_and_as_it_stood(
        "xigang", ground.api
    )
    matter = (await matters_of(ground.api("xigang"), "xigang"))[0]
    await matter.today("2026-12-30 09:00")
    body = {"reason": "跨年实施", "entries": [matter.entry["id"]]}
    await matter.api.command("oversight", "/v1/carry-overs", body, courses.office_of(matter))


@flow(oversight="press_entry decide_proposal")
async def the_pressure_on_a_matter(ground: Ground) -> None:
    await pressures.test_a_person_decides_on_what_repeated_urging_proposes("xigang", ground.api)


@flow(
    oversight="draft_supervision_notice sign_supervision_notice answer_supervision_notice withdraw_supervision_notice "
    "extend_supervision_notice_deadline suspend_supervision_notice_deadline resume_supervision_notice_deadline"
)
async def a_notice_of_supervision(ground: Ground) -> None:
    await notices.test_a_notice_is_drafted_signed_under_its_number_and_answered_by_the_unit("xigang", ground.api)
    notice = await notices.issued((await matters_of(ground.api("xigang"), "xigang"))[1])
    await adjusted(ground.api("xigang"), "oversight", notice.path, "2026-12-31", notice.drafter)


@flow(docflow="extend_document_deadline suspend_document_deadline resume_document_deadline")
async def the_date_of_a_document(ground: Ground) -> None:
    api = await ground.founded("zhanqian")
    report = await MainJob(api, composition_of("zhanqian"), scenario_of("zhanqian")).run()
    (draft,) = await due_routes.drafts_of(api, report.landed)
    await adjusted(api, "docflow", f"/v1/documents/{draft['id']}", "2026-12-18", "zq-office-clerk")


# files, feeds, events -----------------------------------------------------------------------------------------------
@flow(meeting="upload_file")
async def a_file(ground: Ground) -> None:
    answer = await ground.caller.post(
        "meeting", "/v1/files?name=a.pdf", by=OFFICE, content=PDF, headers={"Content-Type": "application/pdf"}
    )
    assert answer.status_code == 201, answer.text


@flow(**dict.fromkeys(SERVICES, "make_feed revoke_feed"))
async def links(ground: Ground) -> None:
    caller = ground.caller
    for service in SERVICES:
        made = await caller.post(service, "/v1/feeds", by=PRINCIPAL, json={})
        assert made.status_code == 201, made.text
        revoked = await caller.post(service, f"/v1/feeds/{made.json()['id']}/revoke", by=PRINCIPAL)
        assert revoked.is_success, revoked.text


REASON = {"reason": "sent by a test of races"}


@flow(**dict.fromkeys(SERVICES, "replay_events retry_event discard_event discard_poison discard_denied_event"))
async def events_that_failed(ground: Ground) -> None:
    caller = ground.caller
    for service in SERVICES:
        again = await caller.post(service, "/v1/events/replay", json={"since": "2031-01-01T00:00:00+08:00"})
        assert again.status_code == 202, again.text
        books = await asyncpg.connect(ground.stack.database_admin_url, database=service)
        event, poison = await _dead(books), await _unreadable(books)
        denied = "INSERT INTO denied_event (consumer, event_id, government, reason) VALUES ('raced', $1, $2, 'never_emitted')"
        await books.execute(denied, event, sixth.CODE)
        try:
            for path in (f"/v1/events/{event}/retry",):
                answer = await caller.post(service, path, by=OFFICE)
                assert answer.status_code == 202, answer.text
            await books.execute("UPDATE inbox SET status = 'dead' WHERE event_id = $1", event)
            for path in (
                f"/v1/events/{event}/discard",
                f"/v1/events/poison/{poison}/discard",
                f"/v1/events/denied/{event}/discard",
            ):
                for person, status in ((OFFICE, "awaiting_second_person"), (HEAD, "discarded")):
                    answer = await caller.post(service, path, by=person, json=REASON)
                    assert (answer.status_code, answer.json()["status"]) == (202, status), answer.text
        finally:
            await books.execute("DELETE FROM denied_event WHERE event_id = $1", event)
            await books.execute("DELETE FROM inbox WHERE event_id = $1", event)
            await books.execute("DELETE FROM poison WHERE id = $1", poison)
            await books.close()


async def _dead(books: asyncpg.Connection) -> Any:
    return await books.fetchval(
        """INSERT INTO inbox (consumer, event_id, source, government, event_type, aggregate_type, aggregate_id,
               aggregate_seq, status, last_error, topic, part, koffset, next_attempt_at)
           VALUES ('raced', gen_random_uuid(), 'raced', $1, 'test.v1', 'test', 'raced', 1, 'dead', 'trouble', 'test', 0, 0,
                   NULL)
           RETURNING event_id""",
        sixth.CODE,
    )


async def _unreadable(books: asyncpg.Connection) -> Any:
    return await books.fetchval(
        """INSERT INTO poison (consumer, topic, part, koffset, digest, raw, error)
           VALUES ('raced', 'raced', 0, 0, sha256('x'), 'x', 'no JSON') RETURNING id"""
    )


# calendar -----------------------------------------------------------------------------------------------------------
@flow(
    calendar="request_absence approve_absence refuse_absence extend_absence lift_absence_limit record_return "
    "cancel_absence record_field_day withdraw_field_day"
)
async def absences_in_huancui(ground: Ground) -> None:
    huancui = await ground.absences("huancui")
    await absences.test_in_huancui_the_deputy_in_charge_or_the_head_suffices_and_the_return_reports_back(huancui)
    await absences.test_an_extension_goes_through_the_same_chain_and_limits(huancui)
    await absences.test_both_officials_of_a_pair_are_not_away_together_unless_the_head_waives_it(huancui)
    await absences.test_field_research_is_held_against_the_elapsed_part_of_the_year(huancui)


@flow(calendar="record_absence_duty")
async def a_duty_of_an_absence(ground: Ground) -> None:
    dalian = await ground.absences("dalian")
    await absences.test_in_dalian_a_deputy_asks_the_head_and_the_office_is_notified_before_and_after(dalian)


@flow(calendar="name_stand_in")
async def stand_ins(ground: Ground) -> None:
    offices = {name: await ground.absences(name) for name in absences.PREFIX}
    await absences.test_the_head_entrusts_and_names_and_the_office_records_the_party_groups_decision(offices)


CLOSURE: Json = {
    "first": "2028-05-08",
    "last": "2028-05-09",
    "reason": "暴雨停止办公",
    "ordered_by": "县防汛抗旱指挥部",
    "document": "临防指〔2028〕7号",
}


@flow(calendar="enter_closure lift_closure")
async def a_closure(ground: Ground) -> None:
    await ground.founded(sixth.CODE)
    caller = ground.caller
    entered = await caller.post("calendar", "/v1/closures", by=OFFICE, json=CLOSURE)
    assert entered.status_code == 202, entered.text
    closure = entered.json()["subject"].removeprefix("closure:")
    path, body = f"/v1/closures/{closure}/lift", {"from": "2028-05-08", "reason": "预警解除"}
    lifted = await caller.post("calendar", path, by=OFFICE, version=1, json=body)
    assert lifted.status_code == 202, lifted.text


@flow(calendar="enter_notice")
async def a_notice(ground: Ground) -> None:
    body = changes.notice("国办发明电〔2029〕9号", 2030)
    entered = await ground.caller.post("calendar", "/v1/notices", json=body, scopes=changes.NATIONAL)
    assert entered.status_code == 202, entered.text
