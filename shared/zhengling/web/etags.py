"""Entity tags (RFC 9110): a thing's version, and what a change has to bring of it."""

from __future__ import annotations

from zhengling.kernel.errors import Problem, Text


def if_match_missing() -> Problem:
    return Problem(
        428,
        "if_match_missing",
        Text("a change of an existing thing needs the header If-Match", "修改已有内容须带 If-Match 请求头"),
        Text("send the ETag that reading it gave", "请带上读取时得到的 ETag"),
    )


def parse_etag(value: str | None) -> int:
    """The version in an If-Match header: a strong entity tag that is the version, `"7"`."""
    if value is None:
        raise if_match_missing()
    tag = value.strip()
    if len(tag) > 2 and tag[0] == tag[-1] == '"' and tag[1:-1].isascii() and tag[1:-1].isdigit() and len(tag) < 20:
        return int(tag[1:-1])
    raise Problem(
        412,
        "stale_etag",
        Text(f"If-Match {value[:40]!r} is no entity tag of this thing", "If-Match 与当前版本不符"),
        Text("send the ETag that reading it gave", "请带上读取时得到的 ETag"),
    )


def etag(version: int) -> str:
    return f'"{version}"'


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Whether the caller has what bears this ETag, so that 304 is the answer (RFC 9110, 13.1.2: any, or one of a list,
    compared weakly)."""
    given = {part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")}
    return bool(given & {"*", tag})
