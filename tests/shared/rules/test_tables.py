"""Decision tables against every case, one by one."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from zhengling.rules.conditions import When, matches
from zhengling.rules.tables import coverage, in_words

DOMAIN: dict[str, tuple[object, ...]] = {
    "major": (True, False),
    "difficulty": ("general", "complex", "long_term"),
    "outcome": ("passed", "deferred"),
    "entrusted": (True, False),
}

conditions = st.fixed_dictionaries(
    {},
    optional={
        fact: st.one_of(st.sampled_from(known), st.lists(st.sampled_from(known), min_size=1, unique=True))
        for fact, known in DOMAIN.items()
    },
)


def cases() -> list[dict[str, object]]:
    return [dict(zip(DOMAIN, each, strict=True)) for each in product(*DOMAIN.values())]


def first(rows: list[When], case: dict[str, object]) -> int | None:
    return next((i for i, when in enumerate(rows) if matches(when, case)), None)


@given(st.lists(conditions, max_size=8))
def test_rows_that_no_case_reaches_and_cases_that_no_row_matches_are_those_of_a_walk_through_all_cases(
    rows: list[When],
) -> None:
    found = coverage(rows, DOMAIN)
    reached = {first(rows, case) for case in cases()}
    assert found.unreached == [i for i in range(len(rows)) if i not in reached]
    for case in cases():
        matched = [region for region in found.uncovered if all(case[fact] in left for fact, left in region.items())]
        assert len(matched) == (first(rows, case) is None), "the uncovered regions hold each such case once"


def test_a_table_of_many_facts_is_no_more_work_than_its_rows() -> None:
    domain = {f"fact{i}": (True, False) for i in range(60)}  # 2**60 cases
    rows: list[When] = [{f"fact{i}": True} for i in range(60)]
    assert coverage(rows, domain).uncovered == [{fact: [False] for fact in sorted(domain)}]
    assert coverage([*rows, {}, {"fact0": False}], domain) == ([61], [])


def test_an_uncovered_case_is_named_by_what_sets_it_apart() -> None:
    rows: list[When] = [{"difficulty": "general"}, {"difficulty": "complex", "major": True}]
    assert sorted(map(in_words, coverage(rows, DOMAIN).uncovered)) == [
        "difficulty is complex and major is false",
        "difficulty is long_term",
    ]
