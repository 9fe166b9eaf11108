"""Named crash points, at which a fault test kills the process a given number of times.

Without CRASH_POINT in the environment a crash point costs one comparison; the production profile refuses to start with it.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

#: All crash points; the tests run through them.
CRASH_POINTS = (
    "outbox.emitted",  # in the command's transaction, before its commit
    "relay.sent",  # acknowledged by the broker, not yet marked
    "relay.marked",  # marked, before the commit
    "consumer.handling",  # after a handler, within its transaction
    "consumer.handled",  # all handlers are done, before the database commit
    "consumer.committed",  # the database is committed, the offsets aren't
    "timer.fired",  # the timer's effect is written, before the commit
    "file.stored",  # the object is in the file store, its row isn't inserted yet
)
_armed = os.environ.get("CRASH_POINT")
_budget = Path(os.environ.get("CRASH_BUDGET", "/nonexistent"))


def crash_point(name: str) -> None:
    """Kill this process with SIGKILL if the point is armed and its budget (a number in a file) isn't used up."""
    if _armed != name:
        return
    left = int(_budget.read_text() or "0") if _budget.exists() else 0
    if left > 0:
        _budget.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
