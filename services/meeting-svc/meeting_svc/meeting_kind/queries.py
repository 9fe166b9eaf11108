"""What answers say of the kinds of meetings."""

from __future__ import annotations

from meeting_svc.meeting_kind.description import describe_kind
from meeting_svc.meeting_kind.schemas import Kinds, KindView, RuleTold
from zhengling.web.call import Call


def kind_view(call: Call, name: str) -> KindView:
    """What the edition in force says of a kind. Problem 422 `unknown_meeting_kind`."""
    book = call.rulebook
    kind = book.kind(name)
    told = [RuleTold(clause=clause, en=text.en, zh=text.zh) for clause, text in describe_kind(kind)]
    return KindView(kind=name, name=kind.name, clause=kind.clause, edition=book.edition, rules=kind, told=told)


def list_kinds(call: Call) -> Kinds:
    return Kinds(items=[kind_view(call, name) for name in call.rulebook.meetings])
