"""The template of minutes: the default one, or a government's own from its rulebook. Pure.

A template is rendered in a sandbox, sees only plain values, and is checked when the rulebook is loaded, so that none fails
on the day of a meeting.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator, BaseModel, ConfigDict


class Item(BaseModel):
    """One decision in a template. A template prints `title` and then `sentence` unchanged: signing compares both with the
    recorded decision."""

    model_config = ConfigDict(frozen=True)
    ordinal: str
    title: str
    sentence: str


class Values(BaseModel):
    """The variables of a template. `chair` opened the session, `chaired_as` is the basis for chairing in the head's place,
    `handovers` the later chairs with their times; `quorum` is empty if the rules require none. Whoever didn't attend was on
    leave, on an absence, represented, or absent. `corrects` states what a correction replaces and why, `copies` are the
    recipients (分送)."""

    model_config = ConfigDict(frozen=True)
    government: str
    kind: str
    title: str
    day: str
    chair: str
    chaired_as: str = ""
    handovers: tuple[str, ...] = ()
    quorum: str = ""
    items: tuple[Item, ...] = ()
    present: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    on_leave: tuple[str, ...] = ()
    away: tuple[str, ...] = ()
    represented: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    corrects: str = ""
    copies: tuple[str, ...] = ()


_SANDBOX = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,  # the output is plain text
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_SAMPLE_ITEMS = (
    Item(ordinal="一", title="议题甲", sentence="会议审议通过。完成任务。由某局牵头，按一般事项办理。"),
    Item(ordinal="二", title="议题乙", sentence="会议听取了汇报。"),
)
_SAMPLE = Values(
    government="某政府",
    kind="常务会议",
    title="第1次常务会议",
    day="2026年1月5日",
    chair="某人",
    items=_SAMPLE_ITEMS,
    present=("某人",),
)


@cache
def default() -> str:
    """The template used if a rulebook has none."""
    return files("zhengling.documents").joinpath("minutes.zh.j2").read_text(encoding="utf-8")


def render(template: str | None, values: Values) -> str:
    """The rendered text (by the default template if None); lines without trailing spaces."""
    given = {name: getattr(values, name) for name in Values.model_fields}
    text = _SANDBOX.from_string(template or default()).render(given)
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) + "\n"


def _checked(template: str) -> str:
    """Returns the template. Raises ValueError if it can't be rendered, uses unknown names or omits a decision."""
    try:
        unknown = meta.find_undeclared_variables(_SANDBOX.parse(template)) - set(Values.model_fields)
        if unknown:
            known = ", ".join(Values.model_fields)
            raise ValueError(f"the template uses unknown names: {', '.join(sorted(unknown))}; known: {known}")
        rendered = render(template, _SAMPLE)
    except TemplateError as error:
        raise ValueError(f"not a usable template: {error}") from error
    for item in _SAMPLE_ITEMS:
        if item.title not in rendered or item.sentence not in rendered:
            raise ValueError("the template must print title and sentence of every item unchanged")
    return template


Template = Annotated[str, AfterValidator(_checked)]
