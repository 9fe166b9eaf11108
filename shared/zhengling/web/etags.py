"""Entity tags (RFC 9110): the ETag is a resource's version, and a change requires it in If-Match."""

from __future__ import annotations

from zhengling.kernel.errors import Problem, Text


def if_match_missing() -> Problem:
    return Problem(
        428,
        "if_match_missing",
        Text("a change of an existing resource needs the header If-Match", "修改已有内容须带 If-Match 请求头"),
        Text("send the ETag of your last read", "请填写读取时返回的 ETag"),
    )


def parse_etag(value: str | None) -> int:
    """The version in an If-Match header: a strong entity tag such as `"7"`."""
    if value is None:
        raise if_match_missing()
    tag = value.strip()
    if len(tag) > 2 and tag[0] == tag[-1] == '"' and tag[1:-1].isascii() and tag[1:-1].isdigit() and len(tag) < 20:
        return int(tag[1:-1])
    raise Problem(
        412,
        "stale_etag",
        Text(f"If-Match {value[:40]!r} isn't an entity tag of this resource", "If-Match 与当前版本不符"),
        Text("send the ETag of your last read", "请填写读取时返回的 ETag"),
    )


def etag(version: int) -> str:
    return f'"{version}"'


def is_current(if_none_match: str | None, tag: str) -> bool:
    """Whether If-None-Match matches this ETag, so that the answer is 304 (RFC 9110, 13.1.2: `*` or a list, weak
    comparison)."""
    given = {part.strip().removeprefix("W/") for part in (if_none_match or "").split(",")}
    return bool(given & {"*", tag})
