"""The ladder of a matter, and who gets its rungs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import ValidationError

from oversight_svc.entry.entry import Entry, EntryState
from oversight_svc.pressure import ladder
from oversight_svc.pressure.pressure import recipients, require_way
from oversight_svc.pressure.recording import governing
from oversight_svc.proposal import proposal as proposals
from oversight_svc.proposal.proposal import Proposal, ProposalState
from tests.conftest import ROOT, composition_of
from tests.oversight.entry.test_entry import an_entry
from zhengling.authority.absence import AbsenceKind, Absent, StandIn
from zhengling.dates.workdays import WorkdayCalendar, base_years
from zhengling.events.meeting import Unit
from zhengling.events.oversight import Recipient
from zhengling.kernel.errors import Problem
from zhengling.kernel.instants import SHANGHAI
from zhengling.replicas.due_dates import KeptDeadline
from zhengling.rules.absences import Basis, Power
from zhengling.rules.loading import load_edition
from zhengling.rules.rulebook import Rulebook
from zhengling.rules.supervision import Censure, Pressure, Way
from zhengling.rules.vocabulary import Role

CALENDAR = WorkdayCalendar(base_years(date(2026, 9, 1)), "test")
PEOPLE = composition_of("xigang")
DAY = date(2026, 9, 30)
LEAD = "xg-mzj"


def book(government: str = "xigang") -> Rulebook:
    (folder,) = (ROOT / "rulebooks" / government).iterdir()
    return load_edition(Path(folder))


SUPERVISION = book().supervision
assert SUPERVISION and SUPERVISION.pressure
RULES = SUPERVISION.pressure


def a_row(due: date, state: str = "running", met_by: str = "completion") -> KeptDeadline:
    at = datetime(due.year, due.month, due.day, 16, tzinfo=UTC)
    return KeptDeadline(
        uuid4(), "entry", "e1", "office", "office", due, met_by, 1, 1, False, "2023-08-21", "XG-52", at, due, at, False, "1",
        (), state, None, None,
    )  # fmt: skip


def the_matter(**changed: object) -> Entry:
    entry = an_entry(DAY)
    entry.lead = Unit(code=LEAD, name="民政局")
    for name, value in changed.items():
        setattr(entry, name, value)
    return entry


def days_of(due: date, taken: int = -1) -> list[date]:
    return [step.moment.astimezone(SHANGHAI).date() for step in ladder.steps(RULES, due, CALENDAR, taken)]


def test_rungs_come_in_working_days_over_the_holiday() -> None:
    # due on the last day before the National Day holiday: 10-10 is worked in exchange
    found = days_of(DAY)
    assert found[:3] == [date(2026, 9, 29), date(2026, 10, 8), date(2026, 10, 10)]
    assert {step.moment.astimezone(SHANGHAI).hour for step in ladder.steps(RULES, DAY, CALENDAR)} == {9}


def test_what_was_taken_comes_no_more_wherever_the_date_moves() -> None:
    assert len(days_of(DAY, taken=1)) == 3
    assert days_of(DAY + timedelta(days=30), taken=1) == days_of(DAY + timedelta(days=30))[2:]
    assert days_of(DAY, taken=4) == []


def test_a_rung_beyond_the_calendar_comes_on_its_last_day_and_is_computed_anew_then() -> None:
    assert days_of(CALENDAR.last)[1:] == [CALENDAR.last] * 4


@pytest.mark.parametrize("state", ["suspended", "met", "cancelled"])
def test_no_clock_that_does_not_run_has_a_ladder(state: str) -> None:
    assert governing([a_row(DAY, state)]) == {}


def test_the_clock_by_which_a_matter_is_due_governs_and_no_other() -> None:
    early, late = a_row(DAY), a_row(DAY + timedelta(days=9))
    other = a_row(DAY - timedelta(days=9), met_by="progress")
    assert governing([late, other, early]) == {"e1": early}


def test_the_person_responsible_is_urged_and_without_one_the_lead_unit() -> None:
    staff = PEOPLE.of_organisation(LEAD, DAY)
    assert [each.official for each in recipients(the_matter(), PEOPLE, (), DAY)] == list(staff)
    assert recipients(the_matter(responsible=staff[-1]), PEOPLE, (), DAY) == [Recipient(official=staff[-1])]
    # somebody who has left the unit isn't
    assert [each.official for each in recipients(the_matter(responsible="gone"), PEOPLE, (), DAY)] == list(staff)


def test_who_stands_in_for_the_absent_person_responsible_is_urged_on_their_behalf() -> None:
    responsible, other = PEOPLE.of_organisation(LEAD, DAY)[:2]
    away = Absent(
        absence_id="a1", official=responsible, absence_kind=AbsenceKind.official_trip, since=DAY, until=DAY, clause="XG-60",
        stand_ins=(StandIn(official=other, acts=(Power.preside,), clause="XG-60", basis=Basis.rule),),
    )  # fmt: skip
    found = recipients(the_matter(responsible=responsible), PEOPLE.with_absences([away]), (), DAY)
    assert found == [Recipient(official=other, on_behalf_of=responsible)]


def test_a_refused_matter_is_the_offices_and_so_is_what_nobody_holds() -> None:
    office = list(PEOPLE.holders(Role.office, DAY))
    refused = recipients(the_matter(state=EntryState.refused), PEOPLE, (), DAY)
    assert [each.official for each in refused] == office
    nobody = the_matter(lead=Unit(code="xg-none", name="某局"))
    assert [each.official for each in recipients(nobody, PEOPLE, (Role.deputy_in_charge,), DAY)] == office


@pytest.mark.parametrize("government", ["dalian", "xigang", "shuangtaizi", "huancui", "zhanqian"])
def test_every_government_has_a_ladder_and_its_ways(government: str) -> None:
    rules = book(government).supervision.pressure
    assert [rung.act for rung in rules.ladder] == [Way.remind, Way.urge, Way.notify, Way.report, Way.propose]
    require_way(rules, Way.on_site)
    with pytest.raises(Problem, match="not_a_way_here"):
        require_way(rules, Way.notify)


def test_a_ladder_that_leads_down_or_to_nobody_is_refused() -> None:
    given = RULES.model_dump(mode="json")
    given["ladder"] = [{"act": "urge", "days": 3}, {"act": "remind", "days": -1}]
    with pytest.raises(ValidationError, match="later day"):
        Pressure.model_validate(given)
    given["ladder"] = [{"act": "notify", "days": 3}]
    with pytest.raises(ValidationError, match="nobody gets notify"):
        Pressure.model_validate(given)


def test_a_proposal_is_decided_once_and_only_as_proposed() -> None:
    waiting = Proposal(
        "p1", "xigang", "2023-08-21", "e1", "西政督〔2026〕1号", Unit(code=LEAD, name="民政局"),
        [Censure.criticism, Censure.circular], "urged", "已催办", "XG-55", datetime(2026, 9, 30, tzinfo=UTC),
    )  # fmt: skip
    with pytest.raises(Problem, match="not_proposed"):
        proposals.decide(waiting, Censure.interview, "约谈")
    proposals.decide(waiting, None, "情有可原")
    assert (waiting.state, waiting.censure) == (ProposalState.declined, None)
    with pytest.raises(Problem, match="illegal_state"):
        proposals.require_waiting(waiting)
