"""Views of the kinds of meetings."""

from __future__ import annotations

from zhengling.kernel.payload import View
from zhengling.rules.meetings import MeetingKind


class RuleTold(View):
    """One rule in words."""

    clause: str
    en: str
    zh: str


class KindView(View):
    """The rules of one kind of meeting in an edition: as data, and in words."""

    kind: str
    name: str
    clause: str
    edition: str
    rules: MeetingKind
    told: list[RuleTold]


class Kinds(View):
    items: list[KindView]
