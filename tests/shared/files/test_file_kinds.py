"""Kinds of files by content, file names, and marks of secrecy."""

from __future__ import annotations

import pytest

from tests import contents
from tests.contents import CONTENTS, DOC, DOCX, ENCRYPTED, OFD, PDF, TXT, XLSX
from zhengling.files.kinds import (
    FILE_KINDS,
    KINDS,
    Classification,
    clean_name,
    is_text,
    kind_of,
    require_shown,
    require_unclassified,
)
from zhengling.kernel.errors import Problem
from zhengling.service.settings import ServiceSettings


def test_every_kind_has_a_content_here_and_no_media_type_means_two() -> None:
    assert CONTENTS.keys() == KINDS.keys()
    said = [media_type for kind in FILE_KINDS for media_type in (kind.media_type, *kind.aliases)]
    assert len(said) == len(set(said))
    endings = [ending for kind in FILE_KINDS for ending in kind.endings]
    assert len(endings) == len(set(endings))


@pytest.mark.parametrize(
    ("said", "name", "found"),
    [
        ("application/pdf", "批复.pdf", "pdf"),
        ("APPLICATION/PDF; charset=binary", "批复.PDF", "pdf"),
        ("application/octet-stream", "公文.ofd", "ofd"),
        ("application/kswps", "请示.wps", "wps"),
        ("text/plain; charset=gb18030", "说明.txt", "txt"),
        ("image/jpg", "照片.jpeg", "jpeg"),
    ],
)
def test_a_kind_is_found_by_its_media_type_or_for_an_unknown_one_by_the_name(said: str, name: str, found: str) -> None:
    assert kind_of(said, name, KINDS).name == found


@pytest.mark.parametrize(
    ("said", "name", "status", "code"),
    [
        ("text/html", "a.html", 415, "file_type_not_allowed"),
        ("application/octet-stream", "a.exe", 415, "file_type_not_allowed"),
        ("", "a.pdf", 415, "file_type_not_allowed"),
        ("application/zip", "a.zip", 415, "file_type_not_allowed"),
        ("application/pdf", "a.exe", 422, "file_name_differs"),
        ("application/pdf", "pdf", 422, "file_name_differs"),
        ("image/png", "a.pdf", 422, "file_name_differs"),
    ],
)
def test_other_kinds_and_names_of_other_kinds_are_refused(said: str, name: str, status: int, code: str) -> None:
    with pytest.raises(Problem) as refused:
        kind_of(said, name, KINDS)
    assert (refused.value.status, refused.value.code) == (status, code)


def test_a_government_may_allow_fewer_kinds() -> None:
    with pytest.raises(Problem) as refused:
        kind_of("image/png", "a.png", {"pdf", "ofd"})
    assert refused.value.extra["allowed"] == ["application/pdf", "application/ofd"]


@pytest.mark.parametrize("name", ["pdf", "png", "jpeg", "rtf", "txt"])
def test_a_content_without_parts_shows_its_kind_by_its_beginning(name: str) -> None:
    require_shown(KINDS[name], CONTENTS[name], ())
    for other, content in CONTENTS.items():
        if other != name and name != "txt":
            assert not KINDS[name].shown_by(content, ())


@pytest.mark.parametrize(
    ("kind", "content", "parts"),
    [
        ("pdf", TXT, ()), ("txt", PDF + b"\xff\xfe\0", ()), ("docx", DOCX, ()), ("docx", XLSX, ("[Content_Types].xml", "xl/")),
        ("ofd", OFD, ("Doc_0/",)), ("doc", DOC, ("Workbook",)), ("pdf", bytes(1025) + PDF, ()),
    ],
)  # fmt: skip
def test_a_content_of_another_kind_is_refused(kind: str, content: bytes, parts: tuple[str, ...]) -> None:
    with pytest.raises(Problem) as refused:
        require_shown(KINDS[kind], content, parts)
    assert (refused.value.status, refused.value.code) == (422, "content_differs")


def test_a_document_with_a_password_is_refused_with_its_own_code() -> None:
    with pytest.raises(Problem) as refused:
        require_shown(KINDS["docx"], ENCRYPTED, ("EncryptionInfo", "EncryptedPackage"))
    assert refused.value.code == "content_encrypted"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (TXT, True), ("中文".encode("gb18030"), True), ("中文".encode("utf-8-sig"), True), ("中文".encode("utf-16"), True),
        ("中".encode()[:2], True), (b"a\tb\r\nc\f", True), (b"a\0b", False), (b"\x7fELF\x02\x01\x01\0", False),
        (contents.PNG, False), (b"\x1b[31mred", False), (b"\xff\xff\xff\xff", False),
    ],
)  # fmt: skip
def test_text_is_what_reads_as_such_in_the_encodings_used_here(content: bytes, text: bool) -> None:
    assert is_text(content) is text


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("批复.pdf", "批复.pdf"), ("../../etc/批复.pdf", "批复.pdf"), ("C:\\材料\\批复.pdf", "批复.pdf"),
        (" a b.pdf ", "a b.pdf"), ("e\u0301.pdf", "é.pdf"), ("a/" * 500 + "x.pdf", "x.pdf"),
    ],
)  # fmt: skip
def test_a_name_is_kept_without_its_folders(given: str, name: str) -> None:
    assert clean_name(given) == name


@pytest.mark.parametrize(
    "given", ["", "  ", "..", "a/", "批\0复.pdf", "fdp.\u202eexe.pdf", "a\nb.pdf", "x" * 201, "\ud800.pdf"]
)
def test_a_name_that_displays_as_another_one_is_refused(given: str) -> None:
    with pytest.raises(Problem) as refused:
        clean_name(given)
    assert (refused.value.status, refused.value.code) == (422, "file_name_invalid")


@pytest.mark.parametrize("mark", ["秘密", "机密", "绝密"])
def test_what_is_classified_is_refused_by_word_and_by_the_mark_in_its_name(mark: str) -> None:
    for classification, name in (
        (Classification(mark), "通知.pdf"),
        (Classification.internal, f"{mark}★1年 通知.pdf"),
        (Classification.internal, f"【{mark}】通知.pdf"),
        (Classification.internal, f"通知\uff08{mark}\uff09.pdf"),
        (Classification.internal, f"{mark}-通知.pdf"),
        (Classification.internal, f"通知 {mark}\uff0a1年.pdf"),
        (Classification.internal, f"{mark[0]}\u3000{mark[1]}★1年.pdf"),
        (Classification.internal, f"密级\uff1a{mark}.pdf"),
        (Classification.internal, f"通知（密 级 {mark[0]} {mark[1]}）.pdf"),
        (Classification.internal, f"{mark} 通知.pdf"),
        (Classification.internal, f"{mark[0]} {mark[1]}\u3000通知.pdf"),
        (Classification.internal, f"{mark[0]}．{mark[1]}★.pdf"),
        (Classification.internal, f"{mark[0]}\u0336{mark[1]}\u0336★1年.pdf"),
        (Classification.internal, f"通知-{mark}.pdf"),
        (Classification.internal, f"通知 {mark[0]}-{mark[1]}.pdf"),
        (Classification.internal, f"通知｜{mark}｜.pdf"),
        (Classification.internal, f"『{mark}』通知.pdf"),
        (Classification.internal, f"｛{mark}｝通知.pdf"),
        (Classification.internal, f"★{mark}通知.pdf"),
        (Classification.internal, f"{mark}✭通知.pdf"),
        (Classification.internal, f"{mark}１０年通知.pdf"),
        (Classification.internal, f"通知{mark}长期.pdf"),
        (Classification.internal, f"{mark}级.pdf"),
        (Classification.internal, f"{mark}.pdf"),
    ):
        with pytest.raises(Problem) as refused:
            require_unclassified(classification, name)
        assert refused.value.code == "classified_content"
        assert refused.value.satisfy and "纸质" in refused.value.satisfy.zh


@pytest.mark.parametrize(
    "name",
    [
        "商业秘密保护办法.pdf",
        "保守国家秘密法宣传方案.docx",
        "机密性评估说明.pdf",
        "密级管理办法.pdf",
        "秘密级说明.pdf",
        "商业秘密.pdf",
        "保守国家秘密.docx",
        "通知-保守秘密工作.pdf",
        "关于密级确定的通知 2026年.pdf",
    ],
)
def test_a_paper_about_secrets_isnt_classified(name: str) -> None:
    require_unclassified(Classification.internal, name)


# settings -----------------------------------------------------------------------------------------------------------
class Keeping(ServiceSettings):
    keeps_files = True


def settings(**given: object) -> ServiceSettings:
    needed = {
        "profile": "development", "database_url": "postgresql://x@y/z", "rulebooks": "", "auth_issuer": "x", "auth_jwks": "x",
        "kafka_bootstrap_servers": "x",
    }  # fmt: skip
    return Keeping.model_validate(needed | given)


def test_a_service_that_keeps_files_does_not_start_without_a_store() -> None:
    with pytest.raises(ValueError, match=r"isn.t set, and this service stores files"):
        settings()


@pytest.mark.parametrize(
    "url", ["", "files", "/var/files", "file://var/files", "file:///", "s3://", "ftp://x/y", "http://x"]
)
def test_an_address_that_is_no_store_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="FILE_STORE_URL isn't a file store"):
        settings(file_store_url=url)


def test_kinds_that_nobody_knows_are_refused_at_the_start() -> None:
    assert settings(file_store_url="s3://papers", file_kinds="pdf, ofd").allowed_file_kinds == {"pdf", "ofd"}
    with pytest.raises(ValueError, match="FILE_KINDS names a kind"):
        settings(file_store_url="s3://papers", file_kinds="pdf,exe")
