"""Commands on the pressure on a matter; the transaction is committed at the edge."""

from __future__ import annotations

from uuid_utils.compat import uuid7

from oversight_svc.entry.commands import SUBJECT
from oversight_svc.entry.entry import STATES, Entry
from oversight_svc.pressure.pressure import (
    AT_WORK,
    Pressure,
    permission_for,
    recipients,
    require_way,
    rules_of,
    supervisor_of,
)
from oversight_svc.pressure.recording import governing, record
from oversight_svc.pressure.schemas import Press
from zhengling.database.mapping import touch
from zhengling.database.session import lock
from zhengling.kernel.errors import Text
from zhengling.kernel.instants import require_not_before, shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.replicas import due_dates
from zhengling.web.call import Call


async def press(call: Call, entry_id: str, body: Press) -> tuple[Entry, Pressure]:
    """Urge the unit that handles a matter, or record another way of supervision. By the roles that the rulebook names. 409
    `not_a_way_here`, `illegal_state`, `before_the_last_act`. Emits entry.urged."""
    entry = await lock(call.session, Entry, entry_id, "entry", "督查事项")
    call.check_version(entry.version)
    book = call.service.rulebooks.edition(call.government, entry.edition)
    rules, composition = rules_of(book), await compositions.current(call.session)
    today = shanghai_day(call.now)
    acting = composition.require(call.official, today, permission_for(rules, body.way))
    STATES.require(entry.state, AT_WORK, Text("the matter", "该事项"), rules.ways.clause)
    require_way(rules, body.way)
    occurred_at = call.occurred(body.occurred_at)
    require_not_before(occurred_at, entry.assigned_at, rules.ways.clause)
    touch(entry)  # of two who urge at once on the same version one is late, as urging is counted
    rows = await due_dates.kept(call.session, SUBJECT, entry_id)
    row = governing(rows).get(entry_id)
    call.audit_details.update(acting.behalf | {"subject": f"entry:{entry.id}"})
    done = await record(
        call.session,
        entry,
        book,
        Pressure(
            id=str(uuid7()),
            government=entry.government,
            entry_id=entry.id,
            deadline_id=row.id if row else None,
            rung=None,
            way=body.way,
            recipients=recipients(entry, composition, (), today),
            reason_en=body.reason,
            reason_zh=body.reason,
            channel=body.channel,
            official=call.official,
            on_behalf_of=acting.on_behalf_of,
            unit=entry.lead.code,
            supervisor=supervisor_of(composition, acting, call.official, today),
            due=entry.due,
            occurred_at=occurred_at,
            recorded_at=call.now,
        ),
    )
    return entry, done
