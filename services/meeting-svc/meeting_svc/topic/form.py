"""The topic form (议题提报单): the principals of the sponsor and of the departments concerned sign it once they agree.

Invariant: it isn't signed while a disagreement is open. Pure: no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from zhengling.kernel.errors import Text, refusal


@dataclass(frozen=True)
class Signature:
    """A principal's signature on the topic form, for one organisation."""

    organisation: str
    official: str
    occurred_at: datetime
    recorded_at: datetime
    on_behalf_of: str | None = None
    under: str | None = None


def signatories(sponsor: str, concerned: list[str]) -> list[str]:
    """The organisations whose principals sign the topic form."""
    return list(dict.fromkeys([sponsor, *concerned]))


def require_signed(
    clause: str, sponsor: str, concerned: list[str], signatures: list[Signature], names: dict[str, str]
) -> None:
    """Refusal `topic_form_unsigned` names the organisations whose principals haven't signed."""
    signed = {signature.organisation for signature in signatures}
    if lacking := [o for o in signatories(sponsor, concerned) if o not in signed]:
        who, who_zh = ", ".join(names[o] for o in lacking), "、".join(names[o] for o in lacking)
        raise refusal(
            "topic_form_unsigned",
            clause,
            f"the topic form lacks the signatures of the principals of {who}",
            f"议题提报单尚缺{who_zh}主要负责人签字",
            Text(f"have the principals of {who} sign it", f"请{who_zh}主要负责人签字"),
            lacking=lacking,
        )
