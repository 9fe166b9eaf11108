"""An approval that the rules ask for: who gave it, and by which paper. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zhengling.authority.composition import Key
from zhengling.kernel.payload import SAYING, Payload


class Approval(Payload):
    """Who approved it, as the rules ask, and by which paper."""

    official: Annotated[Key, Field(description="id of the official who approved it")]
    paper: Annotated[
        str, Field(min_length=2, max_length=100, pattern=SAYING, description="number or name of the paper")
    ]
