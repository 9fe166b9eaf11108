"""Files over HTTP, as a calling system uploads and downloads them, and as the papers of topics."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import psutil
import pytest

from tests import sixth
from tests.caller import CLERK, Caller, Json, code_of, topic_body
from tests.contents import DOCX, OFD, PDF, PNG, WITH_MACROS, pdf
from tests.object_store import ObjectStore
from zhengling.files.kinds import KINDS, UNKNOWN_MEDIA_TYPE
from zhengling.local.client import Api, load_composition
from zhengling.local.processes import ServiceProcess
from zhengling.local.stack import EmbeddedStack

NAME = "关于水库除险加固的请示(定稿).pdf"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
async def caller(stack: EmbeddedStack) -> AsyncIterator[Caller]:
    async with httpx.AsyncClient(timeout=60) as client:
        people = Api(stack.addresses(), stack.issuer, sixth.CODE, client)
        await people.set_clock(None)
        await load_composition(people, sixth.COMPOSITION)
        yield Caller(stack, client)


async def send(caller: Caller, content: Any, name: str = NAME, **rest: Any) -> httpx.Response:
    headers = {"Content-Type": rest.pop("media_type", "application/pdf")} | rest.pop("headers", {})
    params = {"name": name} | rest.pop("params", {})
    return await caller.post("meeting", "/v1/files", by=CLERK, content=content, headers=headers, params=params, **rest)


async def uploaded(caller: Caller, content: bytes, name: str = NAME, **rest: Any) -> Json:
    answer = await send(caller, content, name, **rest)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def opened(caller: Caller, query: str, beginning: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An upload of 20 MB of which only the beginning was sent."""
    url = httpx.URL(caller.addresses["meeting"])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        f"POST /v1/files?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {caller.token(CLERK)}\r\n"
        f"Idempotency-Key: {uuid4()}\r\nContent-Type: application/pdf\r\nContent-Length: 20000000\r\n\r\n"
    )
    writer.write(head.encode() + beginning)
    await writer.drain()
    return reader, writer


def fresh(size: int = 1000) -> bytes:
    """A PDF that nobody uploaded yet."""
    return pdf(size, uuid4().hex.encode())


async def ask(stack: EmbeddedStack, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(stack.database_admin_url, database="meeting")
    try:
        found: list[asyncpg.Record] = await connection.fetch(statement, *values)
        return found
    finally:
        await connection.close()


@contextmanager
def another_api(stack: EmbeddedStack, name: str, **environment: str) -> Iterator[ServiceProcess]:
    """One more API process of meeting-svc, with an environment of its own."""
    process = stack._service_process("meeting", "api", name)
    process.env = dict(process.env or {}) | environment
    with process:
        yield process


# in and out ---------------------------------------------------------------------------------------------------------
async def test_a_file_makes_the_round_trip(caller: Caller) -> None:
    content = fresh()
    answer = await send(caller, content)
    file = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/files/{file['id']}"
    digest = hashlib.sha256(content)
    assert (
        file.items()
        >= {
            "name": NAME,
            "media_type": "application/pdf",
            "size": len(content),
            "sha256": digest.hexdigest(),
            "uploaded_by": CLERK,
        }.items()
    )
    assert (await caller.get("meeting", answer.headers["location"])).json() == file
    got = await caller.get("meeting", f"/v1/files/{file['id']}/content")
    assert (got.status_code, got.content) == (200, content)
    assert got.headers["etag"] == f'"{digest.hexdigest()}"'
    assert got.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["content-disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''%E5%85%B3%E4%BA%8E" in got.headers["content-disposition"]
    listed = (await caller.get("meeting", f"/v1/files?sha256={digest.hexdigest()}")).json()["items"]
    assert listed == [file]


@pytest.mark.parametrize(
    "disposition",
    [
        "attachment; filename*=UTF-8''%E6%89%B9%E5%A4%8D.pdf",
        "attachment; filename=\"fallback.pdf\"; filename*=UTF-8''%E6%89%B9%E5%A4%8D.pdf",
        'attachment; filename="批复.pdf"'.encode(),
    ],
)
async def test_the_name_may_stand_in_content_disposition(disposition: str | bytes, caller: Caller) -> None:
    headers: Any = {"Content-Type": "application/pdf", "Content-Disposition": disposition}
    answer = await caller.post("meeting", "/v1/files", by=CLERK, content=PDF, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "批复.pdf"


async def test_a_browser_that_does_not_know_the_type_may_upload_by_the_names_ending(caller: Caller) -> None:
    file = await uploaded(caller, OFD, "公文.ofd", media_type="application/octet-stream")
    assert file["media_type"] == "application/ofd"


async def test_a_digest_that_is_stated_is_checked_in_each_of_its_forms(caller: Caller) -> None:
    content = fresh()
    right, wrong = hashlib.sha256(content).digest(), bytes(32)
    for digest, expected in ((right, 201), (wrong, 422)):
        encoded = base64.b64encode(digest).decode()
        for stated in (
            {"params": {"sha256": digest.hex()}},
            {"headers": {"Content-Digest": f"sha-256=:{encoded}:"}},
            {"headers": {"Repr-Digest": f"sha-512=:AAAA:, sha-256=:{encoded}:"}},
            {"headers": {"Digest": f"SHA-256={encoded}"}},
        ):
            answer = await send(caller, content, **stated)
            assert answer.status_code == expected, (stated, answer.text)
            if expected == 422:
                assert answer.json()["code"] == "digest_mismatch"


async def test_a_large_upload_and_its_download_are_never_whole_in_memory(caller: Caller, stack: EmbeddedStack) -> None:
    content, process = fresh(90_000_000), psutil.Process(stack.processes["meeting-api-0"].pid)
    before, most = process.memory_info().rss, 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, process.memory_info().rss)
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    try:
        file = await uploaded(caller, content)
        got = await caller.get("meeting", f"/v1/files/{file['id']}/content")
    finally:
        watching.cancel()
    assert got.content == content
    assert most - before < 45_000_000


# a range, a copy that one has ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-9", 206, 0, 9), ("bytes=990-", 206, 990, 999), ("bytes=-5", 206, 995, 999), ("bytes=0-5000", 206, 0, 999),
        ("bytes=-5000", 206, 0, 999), ("bytes=999-999", 206, 999, 999), ("bytes=0-1,5-6", 200, 0, 999),
        ("bytes=9-1", 200, 0, 999), ("bytes=-", 200, 0, 999), ("lines=1-2", 200, 0, 999),
    ],
)  # fmt: skip
async def test_a_range_of_bytes_is_given_alone(asked: str, status: int, first: int, last: int, caller: Caller) -> None:
    content = fresh()
    path = f"/v1/files/{(await uploaded(caller, content))['id']}/content"
    got = await caller.get("meeting", path, headers={"Range": asked})
    assert (got.status_code, got.content) == (status, content[first : last + 1])
    assert got.headers.get("content-range") == (f"bytes {first}-{last}/1000" if status == 206 else None)


async def test_a_range_beyond_the_end_is_refused_with_the_size(caller: Caller) -> None:
    path = f"/v1/files/{(await uploaded(caller, fresh()))['id']}/content"
    for asked in ("bytes=1000-", "bytes=5000-6000", "bytes=-0"):
        got = await caller.get("meeting", path, headers={"Range": asked})
        assert code_of(got) == (416, "range_not_satisfiable")
        assert got.headers["content-range"] == "bytes */1000"


async def test_a_range_of_what_the_caller_has_not_is_the_whole(caller: Caller) -> None:
    file = await uploaded(caller, fresh())
    path = f"/v1/files/{file['id']}/content"
    part = await caller.get("meeting", path, headers={"Range": "bytes=0-9", "If-Range": f'"{file["sha256"]}"'})
    whole = await caller.get("meeting", path, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (part.status_code, whole.status_code) == (206, 200)


async def test_who_has_the_content_gets_it_not_again(caller: Caller) -> None:
    file = await uploaded(caller, fresh())
    path = f"/v1/files/{file['id']}/content"
    for tag in (f'"{file["sha256"]}"', f'W/"{file["sha256"]}"', "*", f'"x", "{file["sha256"]}"'):
        got = await caller.get("meeting", path, headers={"If-None-Match": tag})
        assert (got.status_code, got.content) == (304, b"")
    assert (await caller.get("meeting", path, headers={"If-None-Match": '"x"'})).status_code == 200


# repeating ----------------------------------------------------------------------------------------------------------
async def test_repeating_an_upload_gives_the_same_answer_and_one_file(caller: Caller, stack: EmbeddedStack) -> None:
    content, key = fresh(), str(uuid4())
    first, again = await send(caller, content, key=key), await send(caller, content, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    rows = await ask(stack, "SELECT id FROM file WHERE sha256 = $1", first.json()["sha256"])
    assert [row["id"] for row in rows] == [first.json()["id"]]


async def test_a_key_used_for_another_content_or_name_is_refused(caller: Caller) -> None:
    content, key = fresh(), str(uuid4())
    assert (await send(caller, content, key=key)).status_code == 201
    assert code_of(await send(caller, fresh(), key=key)) == (422, "idempotency_key_reused")
    assert code_of(await send(caller, content, "b.pdf", key=key)) == (422, "idempotency_key_reused")


async def test_of_many_uploads_at_once_with_one_key_one_becomes_a_file(caller: Caller, stack: EmbeddedStack) -> None:
    content, key = fresh(300_000), str(uuid4())
    answers = await asyncio.gather(*(send(caller, content, key=key) for _ in range(6)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert done
    assert len({answer.content for answer in done}) == 1
    others = {code_of(answer) for answer in answers if answer not in done}
    assert others <= {(409, "idempotency_key_in_flight")}
    rows = await ask(stack, "SELECT id FROM file WHERE sha256 = $1", done[0].json()["sha256"])
    assert len(rows) == 1


async def test_a_refused_uploads_key_is_not_burnt(caller: Caller) -> None:
    key = str(uuid4())
    assert code_of(await send(caller, PNG, key=key)) == (422, "content_differs")
    assert (await send(caller, fresh(), key=key)).status_code == 201


# refusals -----------------------------------------------------------------------------------------------------------
REFUSED: dict[str, tuple[bytes, dict[str, Any], tuple[int, str]]] = {
    "empty": (b"", {}, (422, "file_empty")),
    "a type that isn't kept": (b"<p>", {"media_type": "text/html", "name": "a.html"}, (415, "file_type_not_allowed")),
    "a content of another type": (PNG, {}, (422, "content_differs")),
    "a name of another type": (PDF, {"name": "a.exe"}, (422, "file_name_differs")),
    "a name that hides its ending": (PDF, {"name": "fdp.\u202efdp"}, (422, "file_name_invalid")),
    "classified by word": (PDF, {"params": {"classification": "机密"}}, (409, "classified_content")),
    "classified by code": (PDF, {"params": {"classification": "top_secret"}}, (409, "classified_content")),
    "classified by its name": (PDF, {"name": "秘密★1年 通知.pdf"}, (409, "classified_content")),
    "classified by its name, set apart": (PDF, {"name": "机　密 通知.pdf"}, (409, "classified_content")),
    "macros": (
        WITH_MACROS["docx: a type"][1], {"media_type": KINDS["docx"].media_type, "name": "a.docx"},
        (422, "content_has_macros"),
    ),
    "a name for macros": (PDF, {"media_type": UNKNOWN_MEDIA_TYPE, "name": "a.docm"}, (415, "file_type_not_allowed")),
    "a name given twice": (
        PDF, {"name": "", "headers": {"Content-Disposition": "attachment; filename*=UTF-8''a.pdf; filename*0*=b.pdf; "
              "filename*=UTF-8''b.pdf"}}, (422, "file_name_invalid"),
    ),
    "another digest": (PDF, {"params": {"sha256": "0" * 64}}, (422, "digest_mismatch")),
    "two digests": (
        PDF, {"params": {"sha256": "0" * 64}, "headers": {"Digest": f"sha-256={'B' * 43}="}}, (422, "digest_mismatch"),
    ),
    "no digest": (PDF, {"params": {"sha256": "abc"}}, (422, "invalid_payload")),
    "an unknown classification": (PDF, {"params": {"classification": "public"}}, (422, "invalid_payload")),
    "an unknown parameter": (PDF, {"params": {"title": "x"}}, (422, "unknown_parameter")),
    "no name": (PDF, {"params": {"name": ""}}, (422, "file_name_missing")),
}  # fmt: skip


@pytest.mark.parametrize("refused", REFUSED)
async def test_an_upload_is_refused_in_both_languages_and_leaves_nothing(
    refused: str, caller: Caller, stack: EmbeddedStack
) -> None:
    content, said, expected = REFUSED[refused]
    counts = "SELECT (SELECT count(*) FROM file), (SELECT count(*) FROM file_content)"
    before = await ask(stack, counts)
    details = {}
    for language in ("en", "zh"):
        headers = said.get("headers", {}) | {"Accept-Language": language}
        answer = await send(caller, content, **said | {"headers": headers})
        assert code_of(answer) == expected, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        details[language] = answer.json()["detail"]
    assert CHINESE.search(details["zh"]) and details["zh"] != details["en"]
    assert await ask(stack, counts) == before


async def test_what_is_classified_is_refused_before_its_content_is_sent_with_what_to_do(caller: Caller) -> None:
    reader, writer = await opened(caller, "name=a.pdf&classification=top_secret", PDF)
    try:
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
            answered = (await reader.read(5000)).decode()
    finally:
        writer.close()
    assert head.startswith(b"HTTP/1.1 409 ")
    assert '"classified_content"' in answered and "held on paper" in answered


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_file_too_large_is_refused_with_and_without_a_length(chunked: bool, caller: Caller) -> None:
    piece = b"." * 1_048_576

    async def pieces() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7\n"
        for _ in range(101):
            yield piece

    headers = {} if chunked else {"Content-Length": str(9 + 101 * len(piece))}
    answer = await send(caller, pieces(), headers=headers)
    assert code_of(answer) == (413, "body_too_large")


async def test_the_scope_to_write_is_needed_before_a_byte_is_taken(caller: Caller) -> None:
    answer = await send(caller, PDF, scopes=["meeting:read"])
    assert code_of(answer) == (403, "insufficient_scope")
    assert code_of(await send(caller, PDF, key=None)) == (400, "idempotency_key_missing")


async def test_an_upload_broken_off_by_the_caller_leaves_nothing_and_the_service_well(
    caller: Caller, stack: EmbeddedStack
) -> None:
    before = await ask(stack, "SELECT count(*) FROM file_content")
    _, writer = await opened(caller, "name=a.pdf", fresh(9_000_000))
    writer.transport.abort()
    incoming = stack.folder / "files" / sixth.CODE / "incoming"
    for _ in range(100):
        await asyncio.sleep(0.05)
        if not list(incoming.iterdir()):
            break
    assert list(incoming.iterdir()) == []
    assert await ask(stack, "SELECT count(*) FROM file_content") == before
    await uploaded(caller, fresh())


# other governments, the audit, figures ------------------------------------------------------------------------------
async def test_a_file_of_another_government_looks_like_none(caller: Caller) -> None:
    content = fresh()
    file = await uploaded(caller, content)
    neighbour = Caller(caller.stack, caller.client, "dalian")
    for path in (f"/v1/files/{file['id']}", f"/v1/files/{file['id']}/content"):
        assert code_of(await neighbour.get("meeting", path)) == (404, "file_not_found")
    assert (await neighbour.get("meeting", f"/v1/files?sha256={file['sha256']}")).json()["items"] == []
    headers = {"Content-Type": "application/pdf"}
    own = await neighbour.post("meeting", "/v1/files?name=a.pdf", content=content, headers=headers)
    assert own.status_code == 201, "it may have the same content all the same"
    assert len((await caller.get("meeting", f"/v1/files?sha256={file['sha256']}")).json()["items"]) == 1


async def test_uploads_and_downloads_are_audited(caller: Caller, stack: EmbeddedStack) -> None:
    file = await uploaded(caller, fresh())
    path = f"/v1/files/{file['id']}/content"
    await caller.get("meeting", path, by="lh-head", headers={"Range": "bytes=10-19"})
    await caller.get("meeting", path, by="lh-head", headers={"If-None-Match": "*"})
    await caller.get("meeting", path, by="lh-head", headers={"Range": "bytes=5000-"})
    url, headers = f"{caller.addresses['meeting']}{path}", {"Authorization": f"Bearer {caller.token('lh-head')}"}
    seen = await caller.client.head(url, headers=headers)  # of which nothing is given out
    assert (seen.status_code, seen.headers["content-length"], seen.content) == (200, "1000", b"")
    rows = await ask(
        stack, "SELECT actor, action, details::text FROM audit WHERE subject = $1 ORDER BY pos", f"file:{file['id']}"
    )
    assert [(row["actor"], row["action"]) for row in rows] == [(CLERK, "upload_file"), ("lh-head", "download_file")]
    assert all(file["sha256"] in row["details"] for row in rows)
    assert "[10, 20]" in rows[1]["details"]


async def test_bytes_and_durations_are_counted(caller: Caller) -> None:
    async def count(name: str) -> float:
        text = (await caller.client.get(caller.metrics_url("meeting"))).text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))

    names = ('zhengling_file_bytes_total{direction="in"}', 'zhengling_file_bytes_total{direction="out"}',
             'zhengling_file_seconds_count{direction="in"}')  # fmt: skip
    before = [await count(name) for name in names]
    file = await uploaded(caller, fresh(5000))
    await caller.get("meeting", f"/v1/files/{file['id']}/content")
    after = [await count(name) for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [5000, 5000, 1]


# papers -------------------------------------------------------------------------------------------------------------
async def test_the_papers_of_a_topic_are_files(caller: Caller) -> None:
    content = fresh()
    file = await uploaded(caller, content)
    papers = topic_body()["papers"]
    papers[0]["file_id"] = file["id"]
    answer = await caller.post("meeting", "/v1/topics", by=CLERK, json=topic_body(papers=papers))
    assert answer.status_code == 201, answer.text
    shown = (await caller.get("meeting", answer.headers["location"])).json()["papers"]
    assert (shown[0]["file_id"], shown[0]["sha256"]) == (file["id"], file["sha256"])
    assert (shown[1]["file_id"], shown[1]["sha256"]) == (None, None)
    got = await caller.get("meeting", f"/v1/files/{shown[0]['file_id']}/content")
    assert got.content == content


async def test_a_paper_of_a_file_that_is_not_there_or_not_the_stated_one_is_refused(caller: Caller) -> None:
    file = await uploaded(caller, fresh())
    papers = topic_body()["papers"]
    papers[0] |= {"file_id": file["id"], "sha256": "0" * 64}
    answer = await caller.post("meeting", "/v1/topics", by=CLERK, json=topic_body(papers=papers))
    assert code_of(answer) == (422, "digest_mismatch")
    papers[0] = papers[0] | {"file_id": str(uuid4()), "sha256": None}
    answer = await caller.post("meeting", "/v1/topics", by=CLERK, json=topic_body(papers=papers))
    assert code_of(answer) == (422, "unknown_file")
    assert answer.json()["unknown"] == [papers[0]["file_id"]]


# faults -------------------------------------------------------------------------------------------------------------
async def test_a_process_killed_between_object_and_row_leaves_no_file_and_the_repetition_makes_it(
    caller: Caller, stack: EmbeddedStack, tmp_path: Path
) -> None:
    content, key, budget = fresh(7_000_000), str(uuid4()), tmp_path / "budget"
    budget.write_text("1")
    armed = {"CRASH_POINT": "file.stored", "CRASH_BUDGET": str(budget)}
    with another_api(stack, "meeting-api-crashing", **armed) as process:
        there = Caller(stack, caller.client)
        there.addresses = there.addresses | {"meeting": process.url}
        with pytest.raises(httpx.TransportError):
            await send(there, content, key=key)
        assert budget.read_text() == "0"
    digest = hashlib.sha256(content).hexdigest()
    assert (stack.folder / "files" / sixth.CODE / digest).exists()
    assert (await caller.get("meeting", f"/v1/files?sha256={digest}")).json()["items"] == []
    answer = await send(caller, content, key=key)
    assert answer.status_code == 201
    assert "idempotent-replayed" not in answer.headers
    assert (await caller.get("meeting", f"/v1/files/{answer.json()['id']}/content")).content == content


async def test_without_the_store_only_files_are_refused_and_readiness_says_so(
    caller: Caller, stack: EmbeddedStack, tmp_path: Path
) -> None:
    file = await uploaded(caller, fresh())
    with ObjectStore(tmp_path) as s3:
        s3.make_bucket()
        settings = {name.upper(): value for name, value in s3.settings.items()}
        with another_api(stack, "meeting-api-on-s3", **settings) as process:
            there = Caller(stack, caller.client)
            there.addresses = there.addresses | {"meeting": process.url}
            content = fresh(11_000_000)
            kept = await uploaded(there, content)
            assert (await there.get("meeting", f"/v1/files/{kept['id']}/content")).content == content
            ready = await there.client.get(f"{process.url}/readyz")
            assert ready.json()["checks"]["files"] == "ok"

            s3.kill()
            key = str(uuid4())
            answer = await send(there, fresh(), key=key)
            assert code_of(answer) == (503, "file_store_away")
            assert int(answer.headers["retry-after"]) > 0
            answer = await there.get("meeting", f"/v1/files/{file['id']}/content")
            assert code_of(answer) == (503, "file_store_away")
            assert (await there.get("meeting", f"/v1/files/{file['id']}")).status_code == 200
            topic = await there.post("meeting", "/v1/topics", by=CLERK, json=topic_body())
            assert topic.status_code == 201
            ready = await there.client.get(f"{process.url}/readyz")
            assert ready.status_code == 200
            assert ready.json()["checks"]["files"] == "ok, but the file store can't be reached"

            s3.start()
            await asyncio.to_thread(s3.wait_ready)
            s3.make_bucket()
            again = await send(there, content, key=key)
            assert again.status_code == 201, "the key wasn't burnt"


async def test_a_download_of_what_changed_in_the_store_breaks_off(caller: Caller, stack: EmbeddedStack) -> None:
    content = fresh(3_000_000)
    file = await uploaded(caller, content)
    path = stack.folder / "files" / sixth.CODE / file["sha256"]
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(httpx.TransportError):
        await caller.get("meeting", f"/v1/files/{file['id']}/content")
    path.unlink()
    answer = await caller.get("meeting", f"/v1/files/{file['id']}/content")
    assert code_of(answer) == (500, "file_damaged")
    await uploaded(caller, content)
    assert (await caller.get("meeting", f"/v1/files/{file['id']}/content")).content == content


async def test_the_command_line_verifies_a_governments_files(caller: Caller, stack: EmbeddedStack) -> None:
    neighbour = Caller(stack, caller.client, "zhanqian")
    headers = {"Content-Type": "application/octet-stream"}
    files = []
    for n in range(21):
        answer = await neighbour.post("meeting", f"/v1/files?name={n}.pdf", content=fresh(), headers=headers)
        files.append(answer.json())

    def verify() -> subprocess.CompletedProcess[str]:
        zhengling = Path(sys.executable).with_name("zhengling")
        command = [zhengling, "files", "verify", "--url", neighbour.addresses["meeting"], "--token", neighbour.token()]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    sound = await asyncio.to_thread(verify)
    assert (sound.returncode, sound.stdout) == (0, "21 contents, 21000 bytes, 0 missing or changed\n")
    (stack.folder / "files" / "zhanqian" / files[3]["sha256"]).unlink()
    (stack.folder / "files" / "zhanqian" / files[5]["sha256"]).write_bytes(DOCX)
    broken = await asyncio.to_thread(verify)
    assert broken.returncode == 1
    assert f"missing: {files[3]['sha256']}, the content of {files[3]['id']}" in broken.stdout
    assert f"changed: {files[5]['sha256']}, the content of {files[5]['id']}" in broken.stdout
    refused = await neighbour.get("meeting", "/v1/files/verify", scopes=["meeting:read"])
    assert code_of(refused) == (403, "insufficient_scope")


async def test_who_has_used_up_the_days_quota_is_told_when_to_go_on(caller: Caller, stack: EmbeddedStack) -> None:
    more = "UPDATE upload_quota SET bytes = bytes + (5::bigint << 30) * $3 WHERE government = $1 AND person = $2"
    await uploaded(caller, PDF)
    await ask(stack, more, caller.government, CLERK, 1)
    answer = await send(caller, PDF)
    assert code_of(answer) == (429, "upload_quota_used_up")
    assert 0 < int(answer.headers["retry-after"]) <= 86_400
    await ask(stack, more, caller.government, CLERK, -1)
    await uploaded(caller, PDF)
