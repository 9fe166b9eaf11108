"""Drafts after corrections of the minutes, in any order of events."""

from __future__ import annotations

import pytest

from docflow_svc.document.document import DocumentState
from tests.docflow.office import Decided, Office
from zhengling.rules.vocabulary import FollowingDocument


async def test_a_draft_is_withdrawn_with_its_deadlines_and_drafted_again_under_them(office: Office) -> None:
    decided = Decided()
    await office.hear(decided.closed())
    first = await office.document(decided)
    assert first and first.due
    assert await office.running(first) == ["paper-out"]
    await office.hear(decided.amended(document=FollowingDocument.none))
    gone = await office.document(decided)
    assert gone and (gone.state, gone.due, gone.withdrawn_reason) == (DocumentState.withdrawn, None, "原纪要有误")
    assert await office.running(gone) == []
    await office.hear(decided.amended(document=FollowingDocument.to_issue))
    again = await office.document(decided)
    assert again and (again.id, again.state, again.due) == (first.id, DocumentState.drafting, first.due)
    assert await office.running(again) == ["paper-out"]


async def test_a_document_that_a_correction_allows_is_drafted_with_its_time_counted_from_the_close(
    office: Office,
) -> None:
    decided, plain = Decided(document=FollowingDocument.none), Decided()
    await office.hear(decided.closed())
    assert await office.document(decided) is None
    await office.hear(decided.amended(document=FollowingDocument.to_issue))
    await office.hear(plain.closed())
    one, other = await office.document(decided), await office.document(plain)
    assert one and other
    assert (one.counted_from, one.due) == (other.counted_from, other.due)


async def test_a_decision_that_a_correction_adopts_is_drafted_once_and_one_adopted_at_first_only_by_the_close(
    office: Office,
) -> None:
    late = Decided()
    await office.hear(late.adopted(by_correction=True))
    await office.hear(late.adopted(by_correction=True))
    assert await office.document(late)
    usual = Decided()
    await office.hear(usual.adopted(by_correction=False))
    assert await office.document(usual) is None
    await office.hear(usual.closed())
    assert await office.document(usual)


@pytest.mark.parametrize("change", ["revoked", "amended"])
async def test_a_close_received_after_the_correction_drafts_nothing(change: str, office: Office) -> None:
    decided = Decided()
    await office.hear(decided.revoked() if change == "revoked" else decided.amended(document=FollowingDocument.none))
    await office.hear(decided.closed())
    assert await office.document(decided) is None


async def test_a_revoked_decisions_draft_stays_withdrawn(office: Office) -> None:
    decided = Decided()
    await office.hear(decided.closed())
    revoked = decided.revoked()
    await office.hear(revoked)
    await office.hear(revoked)
    gone = await office.document(decided)
    assert gone and gone.state == DocumentState.withdrawn
    assert await office.running(gone) == []
