"""What the API takes and gives of the composition."""

from __future__ import annotations

from meeting_svc.schemas import View
from zhengling.authority import Composition


# views --------------------------------------------------------------------------------------------------------------
class CompositionView(View):
    version: int
    composition: Composition


class CompositionSummary(View):
    version: int
    organisations: int
    officials: int
    posts: int
