"""Parts of a matter (分解任务): what each of several units has to do of it.

Invariant: a part is a matter of one unit with a number below the whole's, and its own clocks, course and light; the whole is
reported as done, and closed, after its parts. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from oversight_svc.entry.entry import ENDED, Entry, EntryState
from zhengling.kernel.bounds import Bound
from zhengling.kernel.errors import Text, refusal

PARTS = Bound(200, Text("a matter", "一项督查事项"), Text("open another matter for the other units", "请另行立项"))
#: The states of parts in which the whole may be reported as done.
DONE = frozenset({EntryState.reported, EntryState.verified}) | ENDED
#: How many parts a refusal names.
_NAMED = 5


def not_yet(parts: Collection[Entry], among: Collection[EntryState]) -> list[Entry]:
    """The parts that aren't in one of these states."""
    return [part for part in parts if part.state not in among]


def require_parts(parts: Collection[Entry], among: Collection[EntryState], clause: str) -> None:
    """409 `parts_not_done` unless every part is in one of these states."""
    if not (waiting := not_yet(parts, among)):
        return
    named = [f"{part.number}（{part.lead.name}）" for part in waiting[:_NAMED]]
    raise refusal(
        "parts_not_done",
        clause,
        f"{len(waiting)} parts of it aren't done: {', '.join(named)}",
        f"还有{len(waiting)}项分解任务未完成：{'、'.join(named)}",
        Text(
            "have those parts closed first" if among == ENDED else "have their units report those parts as done first",
            "请先将上述分解任务销号" if among == ENDED else "请先由责任单位报告上述分解任务办结",
        ),
        parts=[part.id for part in waiting],
    )


def require_within(due: date | None, whole: date | None, clause: str) -> None:
    """409 `part_due_after_the_matter`."""
    if due and whole and due > whole:
        raise refusal(
            "part_due_after_the_matter",
            clause,
            f"the matter itself is due on {whole}, before {due}",
            f"督查事项的办结时限为{whole}，早于{due}",
            Text(f"state {whole} or an earlier day", f"请选择{whole}或之前的日期"),
        )


def require_whole_running(whole: Entry, clause: str) -> None:
    """409 `the_matter_has_ended` for a part of a matter that is closed or revoked."""
    if whole.state in ENDED:
        raise refusal(
            "the_matter_has_ended",
            clause,
            f"the matter {whole.number} that it is a part of has ended",
            f"所属督查事项{whole.number}已经终结",
            Text("reopen that matter first", "请先恢复该督查事项"),
        )
