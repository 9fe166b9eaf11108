"""The file name in Content-Disposition, however a client encodes it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhengling.kernel.errors import Problem
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
        ('attachment; filename="a; filename=b.pdf"', "a; filename=b.pdf"),
        (r'attachment; filename="a \"b\".pdf"', 'a "b".pdf'),
        ("attachment; FileName = plain.pdf ; size=3", "plain.pdf"),
        ("attachment; filename*=iso-8859-1'de'%FCber.pdf", "über.pdf"),
        ("attachment", None),
    ],
)
def test_the_name_is_read_in_utf_8_or_gbk(disposition: str, name: str | None) -> None:
    assert name_in(disposition) == name


@pytest.mark.parametrize(
    "disposition",
    [
        "attachment; filename*=UTF-8''a.pdf; filename*=UTF-8''b.pdf",
        "attachment; filename*=UTF-8''a.pdf; FILENAME*=UTF-8''a.pdf",
        "attachment; filename=a.pdf; filename=b.pdf",
        "attachment; filename*=UTF-8''%B9%D8.pdf",
        "attachment; filename*=idna''a..b",
        "attachment; filename*=undefined''a.pdf",
        "attachment; filename*=UTF-8\0''a.pdf",
    ],
)
def test_a_name_given_twice_or_in_no_charset_of_names_is_refused(disposition: str) -> None:
    with pytest.raises(Problem) as refused:
        name_in(disposition)
    assert (refused.value.status, refused.value.code) == (422, "file_name_invalid")


@given(
    st.lists(st.sampled_from([*";=*'\"\\% \0\x80é", "filename", "filename*", "UTF-8", "GBK", "''", "%E9", "*0", "1"]))
)
def test_whatever_a_header_says_it_gives_a_name_or_none_or_is_refused(pieces: list[str]) -> None:
    with suppress(Problem):
        assert isinstance(name_in("attachment;" + "".join(pieces)), str | None)


@pytest.mark.parametrize(
    "disposition", ["attachment" + "; " * 400_000 + "filename=a.pdf", "attachment; filename=" + '";\\' * 9000]
)
def test_a_header_that_is_too_long_is_refused_unread(disposition: str) -> None:
    with pytest.raises(Problem) as refused:
        name_in(disposition)
    assert refused.value.code == "file_name_invalid"
