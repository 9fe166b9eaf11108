"""The file name in Content-Disposition, however a client encodes it."""

from __future__ import annotations

import pytest

from zhengling.web.file_routes import disposition_of, name_in

NAME = "关于防汛工作的通知.pdf"


def raw(name: str, charset: str) -> str:
    """The header as the server reads it: bytes as Latin-1 (RFC 9110, 5.5)."""
    return name.encode(charset).decode("latin-1")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        (disposition_of(NAME), NAME),
        (f'attachment; filename="{raw(NAME, "utf-8")}"', NAME),
        (f'attachment; filename="{raw(NAME, "gbk")}"', NAME),
        (f"attachment; filename*=UTF-8''{'%E9%80%9A%E7%9F%A5'}.pdf", "通知.pdf"),
        ("attachment; filename*=GBK''%CD%A8%D6%AA.pdf", "通知.pdf"),
        ("attachment; filename*=''%E9%80%9A%E7%9F%A5.pdf", "通知.pdf"),
        ("attachment; filename*=''%B9%D8%D3%DA.pdf", "关于.pdf"),
        ("attachment; filename=\"plain.pdf\"; filename*=UTF-8''%E9%80%9A%E7%9F%A5.pdf", "通知.pdf"),
        ('attachment; filename="plain.pdf"', "plain.pdf"),
        ("attachment", None),
    ],
)
def test_the_name_is_read_in_utf_8_or_gbk(disposition: str, name: str | None) -> None:
    assert name_in(disposition) == name
