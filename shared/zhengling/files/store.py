"""Where the contents of files lie: a folder, or a bucket behind any S3 endpoint, by one library (obstore).

Invariant: an object is there whole or not at all, and on disk before a move returns; whatever ails the store is one
error, `file_store_away`. It knows keys and bytes; whose they are is `files.py`'s business.
"""

from __future__ import annotations

import asyncio
import logging
import os
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
PART = 5 << 20  # the smallest part that S3 takes
PARTS_ABREAST = 2  # what one upload holds in memory: these parts and the one being filled
_RETRIES: Any = {"max_retries": 2, "retry_timeout": timedelta(seconds=20)}
_CLIENT: Any = {
    "connect_timeout": timedelta(seconds=3),
    "read_timeout": timedelta(seconds=15),
    "timeout": timedelta(hours=1),  # of a whole answer: a slow reader of a large file may take its time
}


class FileSettings(Protocol):
    """What a service's settings say of files: where they are kept, and what may come in."""

    @property
    def file_store_url(self) -> str | None: ...
    @property
    def file_max_bytes(self) -> int: ...
    @property
    def file_s3_endpoint(self) -> str | None: ...
    @property
    def file_s3_region(self) -> str | None: ...
    @property
    def file_s3_access_key_id(self) -> str | None: ...
    @property
    def file_s3_secret_access_key(self) -> SecretStr | None: ...
    @property
    def file_s3_path_style(self) -> bool: ...

    @property
    def allowed_file_kinds(self) -> frozenset[str]: ...


def store_away(error: BaseException | str) -> Problem:
    """503: contents can't be kept or read now; everything else goes on."""
    log.warning("the file store is away: %s", str(error).partition("\n")[0])
    return Problem(
        503,
        "file_store_away",
        Text("the file store can't be reached", "文件存储暂不可用"),
        Text("try again shortly", "请稍后重试"),
        headers={"Retry-After": "5"},
    )


@dataclass(frozen=True)
class Content:
    """An object being read: the size of the whole, and the pieces of what was asked for."""

    size: int
    pieces: AsyncIterator[bytes]


class FileStore:
    """The objects of one store, by key. Every method but `check` raises 503 `file_store_away` where it doesn't answer."""

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        """`folder` is where the store's objects lie on this machine, if they do."""
        self._store = store
        self._folder = folder

    @classmethod
    def of(cls, settings: FileSettings) -> FileStore | None:
        """The store that the settings name, if they do. OSError for a folder that can't be made."""
        if settings.file_store_url is None:
            return None
        address = urlsplit(settings.file_store_url)
        if address.scheme == "file":
            folder = Path(unquote(address.path))
            try:
                return cls(LocalStore(folder, mkdir=True), folder)
            except OSError as error:
                raise OSError(f"FILE_STORE_URL: {folder} can't be used: {error}") from error
        secret = settings.file_s3_secret_access_key
        given = {
            "endpoint": settings.file_s3_endpoint,
            "region": settings.file_s3_region,
            "access_key_id": settings.file_s3_access_key_id,
            "secret_access_key": secret.get_secret_value() if secret else None,
            "virtual_hosted_style_request": not settings.file_s3_path_style,
        }
        config = cast(Any, {name: value for name, value in given.items() if value is not None})
        plain = (settings.file_s3_endpoint or "").startswith("http://")
        client = cast(Any, _CLIENT | {"allow_http": plain})
        prefix = unquote(address.path).strip("/") or None
        return cls(S3Store(address.netloc, prefix=prefix, config=config, client_options=client, retry_config=_RETRIES))

    async def write(self, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Write an object piece by piece; what `pieces` raises is raised here, and nothing is left then."""
        try:
            await obstore.put_async(self._store, key, pieces, chunk_size=PART, max_concurrency=PARTS_ABREAST)
        except (BaseError, FileNotFoundError) as error:  # what isn't found is the bucket or the folder
            raise store_away(error) from error

    async def move(self, source: str, target: str) -> None:
        """Give an object another key, in the place of what is there; durable when this returns."""
        try:
            await obstore.rename_async(self._store, source, target)
            if self._folder is not None:
                await asyncio.to_thread(_settle, self._folder / target)
        except (BaseError, OSError) as error:
            raise store_away(error) from error

    async def open(self, key: str, span: tuple[int, int] | None = None) -> Content | None:
        """The object, or its bytes from `span[0]` up to and without `span[1]`; None where there is none."""
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
        """The object as a file to seek in, for a thread that may block. Raises obstore's errors."""
        return cast("IO[bytes]", obstore.open_reader(self._store, key, buffer_size=65_536))

    async def delete(self, *keys: str) -> None:
        """Delete objects; one that isn't there is no error."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue
            except BaseError as error:
                raise store_away(error) from error

    async def delete_older(self, prefix: str, than: timedelta) -> int:
        """Delete what lies below the prefix and wasn't written to for that long. Returns how many objects that were."""
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
        """For readiness: "ok", also where it is away, since most of a service goes on without files; a note says so."""
        try:
            async with asyncio.timeout(3):
                if self._folder is not None and not os.access(self._folder, os.R_OK | os.W_OK | os.X_OK):
                    return "ok, but the folder of files can't be used"
                async for _ in obstore.list(self._store, "readiness", chunk_size=1):
                    break
        except (BaseError, OSError, TimeoutError) as error:
            log.warning("the file store is away: %s", str(error).partition("\n")[0])
            return "ok, but the file store can't be reached"
        return "ok"


def _settle(path: Path) -> None:
    """Bring a file and its name to disk: a row may be committed that speaks of it."""
    for place in (path, path.parent, path.parent.parent):  # the folder of a government may be new
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _unlink_older(folder: Path, before: float) -> int:
    """By the file system, since what a killed process was writing (`name#1`) is no object to the library."""
    gone = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                gone += 1
        except FileNotFoundError:
            continue  # another sweeper, or an upload that is done
    return gone
