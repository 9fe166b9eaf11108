"""What calendar-svc does on other services' events: it keeps who holds which post."""

from __future__ import annotations

from zhengling import references
from zhengling.events import CompositionChanged
from zhengling.inbox import Handlers
from zhengling.timers import Timers

HANDLERS: Handlers = {CompositionChanged: references.on_composition_changed}
TIMERS: Timers = {}
