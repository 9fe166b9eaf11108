"""Named crash points: where a fault test kills the process, exactly there and a given number of times.

Without CRASH_POINT in the environment a crash point costs one comparison; a production profile refuses to start with it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

#: Every crash point there is, so that the tests can run through all of them.
CRASH_POINTS = (
    "outbox.emitted",  # in the command's transaction, before its commit
    "relay.sent",  # the broker acknowledged, the row isn't marked yet
    "relay.marked",  # marked, the lane's transaction isn't committed yet
    "consumer.handling",  # in the middle of a handler's transaction
    "consumer.handled",  # handlers are done, the database isn't committed yet
    "consumer.committed",  # the database is committed, the offset isn't
    "timer.fired",  # the timer's effect is written, not committed
    "file.stored",  # the content has its key in the file store, there is no row yet
)
_armed = os.environ.get("CRASH_POINT")
_budget = Path(os.environ.get("CRASH_BUDGET", "/nonexistent"))


def crash_point(name: str) -> None:
    """Kill this process with SIGKILL if the point is armed and its budget (a file with a number) isn't used up."""
    if _armed != name:
        return
    left = int(_budget.read_text() or "0") if _budget.exists() else 0
    if left > 0:
        _budget.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
