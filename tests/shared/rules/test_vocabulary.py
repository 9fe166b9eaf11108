"""The Chinese terms of the closed vocabulary."""

from __future__ import annotations

import pytest

from zhengling.rules import absences, chains, vocabulary
from zhengling.rules.absences import AbsenceKind, Basis
from zhengling.rules.chains import StepName
from zhengling.rules.vocabulary import (
    CHINESE,
    Gate,
    LeaveReason,
    Outcome,
    PaperKind,
    RaisedBy,
    Role,
    TopicNature,
    in_chinese,
)


def test_words_with_the_same_spelling_keep_their_vocabularys_meaning() -> None:
    assert (Role.party_group.value, in_chinese(Role.party_group)) == (Basis.party_group.value, "党组成员")
    assert in_chinese(Basis.party_group) == "经党组会议研究确定"
    assert (LeaveReason.official_trip.value, in_chinese(AbsenceKind.official_trip)) == ("official_trip", "出差")
    assert in_chinese(LeaveReason.official_trip) == "因公出访或出差"


def test_a_word_given_as_plain_text_has_its_chinese_term() -> None:
    plain: Role = "party_group"  # type: ignore[assignment]  # as a column of text gives it
    assert in_chinese(plain) == "党组成员"


@pytest.mark.parametrize(
    "words",
    sorted({word for word, _ in CHINESE}, key=lambda each: each.__name__),
)
def test_a_vocabulary_with_chinese_terms_is_complete(words: type[Role]) -> None:
    assert [word for word in words if (words, word.value) not in CHINESE] == []


def test_what_refusals_name_is_among_it() -> None:
    included = {word for word, _ in CHINESE}
    assert {Role, Gate, PaperKind, RaisedBy, TopicNature, LeaveReason, StepName, AbsenceKind, Basis} <= included
    assert {vocabulary.Aspect, vocabulary.HearingForm, chains.StepName, absences.Duty} <= included
    assert Outcome not in included  # minutes have sentences for these
