"""Files: uploaded once, hashed, immutable; the content in the file store, its metadata in the database.

A content has the key `<government>/<sha256>`, so equal contents of one government are stored once. Invariants: a content's
row is committed before its object gets that key, and a file's row after, so every object has a row and every file an
object; a file is never changed or deleted; the store is never called inside a transaction.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import time
import zipfile
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Protocol

import olefile
import sqlalchemy as sa
from obstore.exceptions import BaseError
from prometheus_client import Counter, Histogram
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry
from uuid_utils.compat import uuid7

from zhengling.backbone.crash_points import crash_point
from zhengling.database.session import Database, backbone, government_of, now
from zhengling.files import quota
from zhengling.files.kinds import (
    HEAD_BYTES,
    MACRO_SHEETS,
    OLE,
    ZIP,
    Classification,
    FileKind,
    clean_name,
    kind_of,
    require_shown,
    require_unclassified,
    require_without_macros,
)
from zhengling.files.store import FileSettings, FileStore, store_away
from zhengling.files.workbook import has_macro_sheets
from zhengling.kernel.errors import Problem, Text, invalid, not_found
from zhengling.rules.loading import Rulebooks

log = logging.getLogger(__name__)
BYTES = Counter("zhengling_file_bytes", "Bytes of files uploaded or downloaded", ["direction"])
SECONDS = Histogram(
    "zhengling_file_seconds",
    "Time from a file's first byte to its last",
    ["direction"],
    buckets=(0.1, 0.5, 2, 10, 60, 600),
)
DAMAGED = Counter("zhengling_file_damaged", "Contents that were found missing or changed")

WITHIN = timedelta(hours=1)
"""How long an upload may take; far less than GRACE, so that the sweeper never touches an upload in progress."""
GRACE = timedelta(hours=24)
SWEEP_AGAIN = timedelta(hours=1)
"""After this time another sweeper takes over objects that were marked but not deleted; a sweep ends long before."""
DIRECTORY_BYTES = 1 << 20
"""How much of a container is read for its directory: far more than any document's; the reader uses tens of times as much
memory."""
TYPES_BYTES = 1 << 18
"""How much of [Content_Types].xml is read: that of a document with a thousand parts has 100 kB."""
WORKBOOK_BYTES = 32 << 20
"""How much of a workbook's stream is read for its list of sheets: texts may come before it in a crafted one."""
INSPECTIONS = ThreadPoolExecutor(2, thread_name_prefix="inspection")
"""At most two containers are inspected at a time; further uploads wait without holding memory."""

_CLAIM = sa.text("""
    INSERT INTO file_content (government, sha256) VALUES (:government, :sha256)
    ON CONFLICT (government, sha256) DO UPDATE SET claimed_at = clock_timestamp() WHERE file_content.leaving_since IS NULL
    RETURNING sha256
""")
_TOUCH = sa.text("""
    UPDATE file_content SET claimed_at = clock_timestamp() WHERE sha256 = :sha256 AND leaving_since IS NULL RETURNING sha256
""")
# An upload that is recording its file has locked the row; this waits for its commit and re-evaluates `claimed_at`.
_MARK = sa.text("""
    UPDATE file_content c SET leaving_since = clock_timestamp()
    WHERE leaving_since < clock_timestamp() - CAST(:again AS interval)
       OR (leaving_since IS NULL AND claimed_at < clock_timestamp() - CAST(:grace AS interval)
           AND NOT EXISTS (SELECT FROM file f WHERE f.government = c.government AND f.sha256 = c.sha256))
    RETURNING sha256
""")
_FORGET = sa.text("DELETE FROM file_content WHERE sha256 = ANY(:gone) AND leaving_since IS NOT NULL")
_CONTENTS = sa.text("""
    SELECT sha256, min(size) AS size, array_agg(id ORDER BY id) AS files FROM file
    WHERE sha256 > :after GROUP BY sha256 ORDER BY sha256 LIMIT :limit
""")


@dataclass
class StoredFile:
    """An uploaded file: uploader, business time and metadata; the content is identified by its SHA-256."""

    id: str
    government: str
    name: str
    media_type: str
    size: int
    sha256: str
    uploaded_by: str
    uploaded_at: datetime
    modified_at: datetime | None = None

    @property
    def key(self) -> str:
        return _key(self.government, self.sha256)


metadata = sa.MetaData()
file_table = sa.Table(
    "file",
    metadata,
    *(sa.Column(name, sa.Text, primary_key=name == "id") for name in ("id", "government", "name", "media_type")),
    sa.Column("size", sa.BigInteger),
    sa.Column("sha256", sa.Text),
    sa.Column("uploaded_by", sa.Text),
    sa.Column("uploaded_at", sa.DateTime(timezone=True)),
    sa.Column("modified_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    info={"readers": "#"},
)
registry(metadata=metadata).map_imperatively(StoredFile, file_table, eager_defaults=True)


def _key(government: str, sha256: str) -> str:
    return f"{government}/{sha256}"


def _incoming(government: str) -> str:
    return f"{government}/incoming/"


class Keeper(Protocol):
    """What this module needs of the service that owns the files."""

    @property
    def settings(self) -> FileSettings: ...
    @property
    def database(self) -> Database: ...
    @property
    def rulebooks(self) -> Rulebooks: ...
    @property
    def files(self) -> FileStore | None: ...


# uploads ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Upload:
    """The stated metadata of a content: name, kind, and optionally its SHA-256 (64 hex digits)."""

    name: str
    kind: FileKind
    sha256: str | None = None

    @classmethod
    def stated(
        cls,
        service: Keeper,
        name: str,
        media_type: str,
        sha256: str | None = None,
        classification: Classification = Classification.internal,
    ) -> Upload:
        """An upload as stated by a caller. Problems: 409 `classified_content`, 415 `file_type_not_allowed`, 422
        `file_name_invalid`, `file_name_differs`."""
        name = clean_name(name)
        require_unclassified(classification, name)
        return cls(name, kind_of(media_type, name, service.settings.allowed_file_kinds), sha256)


@dataclass(frozen=True)
class Received:
    """A content in the store under its key, not yet referenced by a file."""

    name: str
    media_type: str
    size: int
    sha256: str


def too_large(limit: int) -> Problem:
    """413 `body_too_large`, as for any body."""
    return Problem(413, "body_too_large", Text(f"a file has at most {limit} bytes", f"文件不得超过{limit}字节"))


@dataclass
class _Meter:
    """Passes pieces on while recording their size, SHA-256 and first bytes."""

    size: int = 0
    head: bytes = b""
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    async def through(self, pieces: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
        async for piece in pieces:
            self.size += len(piece)
            if self.size > limit:
                raise too_large(limit)
            self.digest.update(piece)
            self.head += piece[: HEAD_BYTES - len(self.head)]
            if piece:
                yield piece


def required_store(service: Keeper) -> FileStore:
    """The service's store; 503 `file_store_away` if none is configured."""
    if service.files is None:
        raise store_away("FILE_STORE_URL isn't set")
    return service.files


async def receive(service: Keeper, government: str, upload: Upload, pieces: AsyncIterator[bytes]) -> Received:
    """Write a content to the store, piece by piece, under the key of its SHA-256; outside any transaction.

    Problems: 408 `upload_too_slow`; 413 `body_too_large`; 422 `file_empty`, `digest_mismatch`, `content_differs`,
    `content_encrypted`, `content_has_macros`; 503 `file_store_away`, `busy`. Errors of `pieces` are re-raised. After an error
    only remains that `sweep` deletes are left.
    """
    store, meter, began = required_store(service), _Meter(), time.perf_counter()
    arriving = f"{_incoming(government)}{uuid7()}"
    kept = False
    try:
        async with asyncio.timeout(WITHIN.total_seconds()) as limit:
            await store.write(arriving, meter.through(pieces, service.settings.file_max_bytes))
            await _check(store, arriving, upload, meter)
            received = Received(upload.name, upload.kind.media_type, meter.size, meter.digest.hexdigest())
            async with service.database.transaction(government) as session:
                if await session.scalar(_CLAIM, {"government": government, "sha256": received.sha256}) is None:
                    raise _being_swept()
            await store.move(arriving, _key(government, received.sha256))
            kept = True
    except TimeoutError as error:
        if not limit.expired():  # a timeout of the database, not of the upload
            raise
        text = Text("the upload took longer than an hour", "上传超过一小时未完成")
        raise Problem(408, "upload_too_slow", text) from error
    finally:
        if not kept:
            await _discard(store, arriving)
    crash_point("file.stored")
    BYTES.labels("in").inc(received.size)
    SECONDS.labels("in").observe(time.perf_counter() - began)
    return received


async def _discard(store: FileStore, key: str) -> None:
    """Delete an unused object now; if the store is unreachable, `sweep` deletes it later."""
    try:
        await store.delete(key)
    except Problem:
        log.warning("%s can't be deleted now and is left to the sweeper", key)


async def _check(store: FileStore, key: str, upload: Upload, meter: _Meter) -> None:
    if not meter.size:
        raise invalid("file_empty", "the file is empty", "文件内容为空")
    found = meter.digest.hexdigest()
    if upload.sha256 not in (None, found):
        raise invalid(
            "digest_mismatch",
            f"the SHA-256 of the received content is {found}, not {upload.sha256} as stated; upload it again",
            f"收到内容的 SHA-256 为 {found}，与所填值不符，请重新上传",
            sha256=found,
        )
    inside = Inside()
    if meter.head.startswith((ZIP, OLE)):
        zipped, loop = meter.head.startswith(ZIP), asyncio.get_running_loop()
        inside = await loop.run_in_executor(INSPECTIONS, _inspect, store, key, zipped)
    require_shown(upload.kind, meter.head, inside.parts)
    require_without_macros(inside.parts, inside.types)


def _being_swept() -> Problem:
    return Problem(
        503,
        "busy",
        Text("an abandoned upload of the same content is being deleted", "系统正在清理相同内容的残留文件"),
        Text("try again with the same Idempotency-Key", "请使用同一 Idempotency-Key 重试"),
        headers={"Retry-After": "5"},
    )


class _Bounded(io.RawIOBase):
    """A seekable object of the store, of which at most so many bytes can be read."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = self._most = most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # BufferedReader's type
        piece = memoryview(self._file.read(min(len(buffer), self._left + 1)))
        self._left -= len(piece)
        if self._left < 0:
            raise ValueError(f"more than {self._most} bytes of the container would have to be read")
        buffer[: len(piece)] = piece
        return len(piece)


@dataclass(frozen=True)
class Inside:
    """What a container holds: the names of its parts and of its folders, `MACRO_SHEETS` among them if it is a workbook that
    has such; and the text of its [Content_Types].xml."""

    parts: frozenset[str] = frozenset()
    types: str = ""


def _opened(store: FileStore, key: str, most: int) -> io.BufferedReader:
    return io.BufferedReader(_Bounded(store.reader(key), most), 4096)


def _inspect(store: FileStore, key: str, zipped: bool) -> Inside:
    """What a container holds; nothing if it can't be read. Only its directory is read, its [Content_Types].xml unpacked as
    far as `TYPES_BYTES`, so a decompression bomb does no harm, and a workbook's list of sheets looked through. Blocks."""
    try:
        with _opened(store, key, DIRECTORY_BYTES) as file:
            if zipped:
                with zipfile.ZipFile(file) as archive:
                    names = archive.namelist()
                    types = "".join(_types(archive, entry) for entry in archive.infolist() if _states_types(entry))
                return Inside(frozenset(names) | {name.partition("/")[0] + "/" for name in names if "/" in name}, types)
            with olefile.OleFileIO(file) as document:
                paths = document.listdir()
                with _opened(store, key, WORKBOOK_BYTES) as workbook:
                    macros = [MACRO_SHEETS] if has_macro_sheets(document, workbook) else []
            return Inside(frozenset(path[0] for path in paths) | {"/".join(path) for path in paths} | {*macros})
    except (BaseError, FileNotFoundError) as error:
        raise store_away(error) from error
    except Exception as error:  # readers fail in many ways on a broken container, which is never a document
        log.info("an uploaded container can't be read: %r", error)
        return Inside()


def _states_types(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower() == "[content_types].xml"


def _types(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    """The text of an OOXML document's content types. ValueError if it is longer than `TYPES_BYTES`, or has a document type,
    which OPC forbids (ECMA-376-2, 7.2.2) and whose entities could spell a type."""
    with archive.open(entry) as part:
        content = part.read(TYPES_BYTES + 1)
    text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    if len(content) > TYPES_BYTES or "\0" in text or "<!" in text.replace("<!--", ""):
        raise ValueError("[Content_Types].xml isn't one")
    return text


async def record(session: AsyncSession, received: Received, uploaded_by: str) -> StoredFile:
    """Insert the row of a file whose content is in the store, in the caller's transaction. 503 `busy` if the content was
    swept meanwhile, which needs a day between `receive` and this."""
    if (await backbone(session, _TOUCH, {"sha256": received.sha256})).first() is None:
        raise _being_swept()
    file = StoredFile(
        id=str(uuid7()),
        government=government_of(session),
        name=received.name,
        media_type=received.media_type,
        size=received.size,
        sha256=received.sha256,
        uploaded_by=uploaded_by,
        uploaded_at=now(session),
    )
    session.add(file)
    await session.flush()
    return file


# reading ------------------------------------------------------------------------------------------------------------
async def find(session: AsyncSession, file_id: str) -> StoredFile:
    """One file; 404 `file_not_found` if this government has none with this id."""
    if file := await session.get(StoredFile, file_id):
        return file
    raise not_found("file", "文件", file_id)


async def require(session: AsyncSession, file_ids: Sequence[str], *among: sa.ColumnElement[bool]) -> list[StoredFile]:
    """The files with these ids, in this order, to be referenced by the caller. 422 `unknown_file` names the ids that aren't
    `among` those that the caller may refer to. No lock is needed, as files are never changed or deleted."""
    found = await session.execute(sa.select(StoredFile).where(file_table.c.id.in_(file_ids), *among))
    files = {file.id: file for file in found.scalars()}
    if unknown := sorted(set(file_ids) - files.keys()):
        raise invalid(
            "unknown_file",
            f"no such file: {', '.join(unknown)}; upload it with POST /v1/files first",
            f"文件不存在：{'、'.join(unknown)}，请先上传",
            unknown=unknown,
        )
    return [files[file_id] for file_id in file_ids]


def damaged(file: StoredFile, what: str) -> Problem:
    """500 `file_damaged`: the store has lost or changed the content."""
    DAMAGED.inc()
    log.error("the content of file %s (%s) %s", file.id, file.sha256, what)
    return Problem(
        500,
        "file_damaged",
        Text(f"the content of file {file.id} {what}; it is logged", "文件内容丢失或被改动，已记录"),
        Text("upload the same file again: this restores the content wherever it is referenced",
             "请重新上传同一文件，各处引用随即恢复"),
    )  # fmt: skip


async def open(service: Keeper, file: StoredFile, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
    """The file's content, or its bytes [span[0], span[1]), to be read outside a transaction.

    500 `file_damaged` if it is missing or has another size, 503 `file_store_away`. The last piece of a whole content is
    yielded only after its digest was verified; else 500 `file_damaged` is raised, so nobody gets a changed file unnoticed.
    """
    content = await required_store(service).open(file.key, span)
    if content is None:
        raise damaged(file, "is missing in the file store")
    if content.size != file.size:
        raise damaged(file, f"has {content.size} bytes instead of {file.size}")
    return _delivered(file, content.pieces, whole=span is None)


async def _delivered(file: StoredFile, pieces: AsyncIterator[bytes], *, whole: bool) -> AsyncIterator[bytes]:
    began, digest, held = time.perf_counter(), hashlib.sha256(), b""
    async for piece in pieces:
        digest.update(piece)
        if held:
            BYTES.labels("out").inc(len(held))
            yield held
        held = piece
    if whole and digest.hexdigest() != file.sha256:
        raise damaged(file, "differs from the uploaded content")
    BYTES.labels("out").inc(len(held))
    yield held
    SECONDS.labels("out").observe(time.perf_counter() - began)


# verification and sweeping ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Finding:
    """A content that the store lost (`missing`) or changed (`changed`), and the files that have it."""

    sha256: str
    what: str
    files: list[str]


@dataclass
class Verdict:
    """The findings of one part of the verification; `next_after` is the next part's `after`, None at the end."""

    contents: int = 0
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    next_after: str | None = None


async def verify(service: Keeper, government: str, after: str = "", limit: int = 50, most: int = 1 << 28) -> Verdict:
    """Compare stored contents with their rows by hashing them: in the order of digests after `after`, at most `limit`
    contents or until `most` bytes were read. 503 `file_store_away`."""
    store, verdict = required_store(service), Verdict()
    async with service.database.transaction(government) as session:
        rows = (await session.execute(_CONTENTS, {"after": after, "limit": limit})).all()
    for row in rows:
        digest, size = hashlib.sha256(), 0
        content = await store.open(_key(government, row.sha256))
        if content is not None:
            async for piece in content.pieces:
                digest.update(piece)
                size += len(piece)
        if content is None or digest.hexdigest() != row.sha256:
            DAMAGED.inc()
            verdict.findings.append(Finding(row.sha256, "missing" if content is None else "changed", row.files))
        verdict.contents += 1
        verdict.bytes += size
        if verdict.bytes >= most:
            break
    if rows and (verdict.contents < len(rows) or len(rows) == limit):
        verdict.next_after = rows[verdict.contents - 1].sha256
    return verdict


async def sweep(database: Database, store: FileStore, government: str, grace: timedelta = GRACE) -> int:
    """Delete objects older than `grace` that never became a file. Returns the number of objects.

    A content is marked before its object is deleted, and no upload uses a marked one; so a concurrent upload of the same
    content either keeps it or gets 503 `busy`. Problem 503 `file_store_away`.
    """
    swept = await store.delete_older(_incoming(government), grace)
    async with database.transaction(government) as session:
        marked = await session.execute(_MARK, {"grace": grace, "again": SWEEP_AGAIN})
        leaving = list(marked.scalars())
    if leaving:
        async with asyncio.timeout(SWEEP_AGAIN.total_seconds() / 2):
            await store.delete(*(_key(government, sha256) for sha256 in leaving))
        async with database.transaction(government) as session:
            await session.execute(_FORGET, {"gone": leaving})
    return swept + len(leaving)


async def sweep_all(service: Keeper) -> None:
    """Sweep for every government with a rulebook, and forget its quotas of past days. If the store is unreachable, the next
    sweep retries."""
    for government in service.rulebooks.governments:
        async with service.database.transaction(government) as session:
            await quota.forget(session)
        try:
            swept = await sweep(service.database, required_store(service), government)
        except Problem as problem:
            log.warning("abandoned uploads of %s are left until the next sweep: %s", government, problem)
        else:
            if swept:
                log.info("%d abandoned uploads of %s were deleted", swept, government)
