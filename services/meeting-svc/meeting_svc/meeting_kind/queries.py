"""Queries of the kinds of meetings."""

from __future__ import annotations

from meeting_svc.meeting_kind.description import describe_kind
from meeting_svc.meeting_kind.schemas import Kinds, KindView, RuleTold
from zhengling.web.call import Call


def kind_view(call: Call, name: str) -> KindView:
    """The rules of a kind in the edition in force. Problem 422 `unknown_meeting_kind`."""
    book = call.rulebook
    kind = book.kind(name)
    rules = [RuleTold(clause=clause, en=text.en, zh=text.zh) for clause, text in describe_kind(kind)]
    return KindView(kind=name, name=kind.name, clause=kind.clause, edition=book.edition, rules=kind, told=rules)


def list_kinds(call: Call) -> Kinds:
    return Kinds(items=[kind_view(call, name) for name in call.rulebook.meetings])
