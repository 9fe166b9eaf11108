"""The store of file contents: a folder, or a bucket of any S3 endpoint, through the library obstore.

Invariant: an object exists completely or not at all, and is durable before `move` returns; every failure of the store is
the problem 503 `file_store_away`. It knows keys and bytes; their meaning is in `files.py`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from zhengling.kernel.errors import Problem, Text

if TYPE_CHECKING:
    from obstore.store import ObjectStore
    from pydantic import SecretStr

log = logging.getLogger(__name__)
PIECE = 1 << 20
PART = 5 << 20  # S3's minimum part size
PARTS_ABREAST = 2  # parts in flight; an upload holds these and the one being filled in memory
_RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
_CLIENT: Any = {
    "connect_timeout": timedelta(seconds=3),
    "read_timeout": timedelta(seconds=15),
    "timeout": timedelta(hours=1),  # for a whole response: a large file may be read slowly
}


class FileSettings(Protocol):
    """A service's settings for files: the store, and limits on uploads."""

    @property
    def file_store_url(self) -> str | None: ...
    @property
    def file_max_bytes(self) -> int: ...
    @property
    def file_s3_endpoint(self) -> str | None: ...
    @property
    def file_s3_region(self) -> str | None: ...
    @property
    def file_s3_access_key_id(self) -> SecretStr | None: ...
    @property
    def file_s3_secret_access_key(self) -> SecretStr | None: ...
    @property
    def file_s3_path_style(self) -> bool: ...

    @property
    def allowed_file_kinds(self) -> frozenset[str]: ...


def loggable(error: BaseException | str) -> str:
    """The error for the log, without addresses and without what the store answered, which may name bucket and key."""
    kind = f"{type(error).__name__}: " if isinstance(error, BaseException) else ""
    text = re.sub(r"\w+://\S+", "…", str(error).partition("\n")[0]).partition("<")[0]
    return f"{kind}{text}"[:300]


def store_away(error: BaseException | str) -> Problem:
    """503 `file_store_away`: contents can't be stored or read now; everything else works."""
    log.warning("the file store can't be reached: %s", loggable(error))
    return Problem(
        503,
        "file_store_away",
        Text("the file store can't be reached", "文件存储暂不可用"),
        Text("try again shortly", "请稍后重试"),
        headers={"Retry-After": "5"},
    )


@dataclass(frozen=True)
class Content:
    """An object being read: its total size, and the pieces of the requested range."""

    size: int
    pieces: AsyncIterator[bytes]


class FileStore:
    """The objects of one store, by key. Every method but `check` raises 503 `file_store_away` if it doesn't answer."""

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        """`folder` is the objects' folder on this machine, None for S3."""
        self._store = store
        self._folder = folder

    @classmethod
    def of(cls, settings: FileSettings) -> FileStore | None:
        """The store in the settings, or None. OSError if its folder can't be made."""
        if settings.file_store_url is None:
            return None
        address = urlsplit(settings.file_store_url)
        if address.scheme == "file":
            folder = Path(unquote(address.path))
            try:
                return cls(LocalStore(folder, mkdir=True), folder)
            except OSError as error:
                raise OSError(error.errno, "FILE_STORE_URL names a folder that can't be used") from error
        key, secret = settings.file_s3_access_key_id, settings.file_s3_secret_access_key
        given = {
            "endpoint": settings.file_s3_endpoint,
            "region": settings.file_s3_region,
            "access_key_id": key.get_secret_value() if key else None,
            "secret_access_key": secret.get_secret_value() if secret else None,
            "virtual_hosted_style_request": not settings.file_s3_path_style,
        }
        config = cast(Any, {name: value for name, value in given.items() if value is not None})
        plain = (settings.file_s3_endpoint or "").startswith("http://")
        client = cast(Any, _CLIENT | {"allow_http": plain})
        prefix = unquote(address.path).strip("/") or None
        return cls(S3Store(address.netloc, prefix=prefix, config=config, client_options=client, retry_config=_RETRIES))

    async def write(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Write an object piece by piece; if `pieces` raises, the error is re-raised and no object remains."""
        try:
            await obstore.put_async(self._store, key, pieces, chunk_size=PART, max_concurrency=PARTS_ABREAST)
        except (BaseError, FileNotFoundError) as error:  # the bucket or the folder wasn't found
            raise store_away(error) from error

    async def move(self, source: str, target: str) -> None:
        """Rename an object, replacing any object at the target; durable when this returns."""
        try:
            await obstore.rename_async(self._store, source, target)
            if self._folder is not None:
                await asyncio.to_thread(_settle, self._folder / target)
        except (BaseError, OSError) as error:
            raise store_away(error) from error

    async def open(self, key: str, span: tuple[int, int] | None = None) -> Content | None:
        """The object, or its bytes [span[0], span[1]); None if there is none."""
        try:
            found = await obstore.get_async(self._store, key, options={"range": span} if span else None)
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise store_away(error) from error
        return Content(found.meta["size"], self._pieces(found))

    async def _pieces(self, found: obstore.GetResult) -> AsyncIterator[bytes]:
        try:
            async for piece in found.stream(PIECE):
                yield piece
        except BaseError as error:
            raise store_away(error) from error

    def reader(self, key: str) -> IO[bytes]:
        """The object as a seekable file, for a thread that may block. Raises obstore's errors."""
        return cast("IO[bytes]", obstore.open_reader(self._store, key, buffer_size=65_536))

    async def delete(self, *keys: str) -> None:
        """Delete objects; a missing one is no error."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue
            except BaseError as error:
                raise store_away(error) from error

    async def delete_older(self, prefix: str, than: timedelta) -> int:
        """Delete the objects below the prefix that weren't written for `than`. Returns their number."""
        before = datetime.now(UTC) - than
        if self._folder is not None:
            return await asyncio.to_thread(_unlink_older, self._folder / prefix, before.timestamp())
        try:
            listed = [meta async for batch in obstore.list(self._store, prefix) for meta in batch]
        except BaseError as error:
            raise store_away(error) from error
        old = [meta["path"] for meta in listed if meta["last_modified"] < before]
        await self.delete(*old)
        return len(old)

    async def check(self) -> str:
        """For readiness: "ok", with a note if the store is unreachable, since most of a service works without it."""
        try:
            async with asyncio.timeout(3):
                if self._folder is not None and not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
                    return "ok, but the folder of files can't be used"
                async for _ in obstore.list(self._store, "readiness", chunk_size=1):
                    break
        except (BaseError, OSError, TimeoutError) as error:
            log.warning("the file store can't be reached: %s", loggable(error))
            return "ok, but the file store can't be reached"
        return "ok"


def _settle(path: Path) -> None:
    """Fsync a file and its folders, before a row that refers to it is committed."""
    for place in (path, path.parent, path.parent.parent):  # a government's folder may be new
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unlink_older(folder: Path, before: float) -> int:
    """Through the file system, since a killed process's partial file (`name#1`) isn't an object to the library."""
    gone = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                gone += 1
        except FileNotFoundError:
            continue  # another sweeper deleted it, or its upload finished
    return gone
