"""The API of files, the same in every service that stores files.

An upload is neither held in memory nor written to the store inside a transaction: `UploadRoute` stores the content before
the command begins, and its digest, name and type replace the body in the fingerprint of the Idempotency-Key. A repeated
upload sends its content again and gets the first answer.

No postponed annotations here: FastAPI must resolve dependencies that close over the service's name.
"""

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, unquote_to_bytes

import sqlalchemy as sa
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from zhengling.backbone import audit
from zhengling.files import files
from zhengling.files.files import StoredFile, Upload
from zhengling.files.kinds import FILE_KINDS, UNKNOWN_MEDIA_TYPE, Classification
from zhengling.files.quota import Claim, Quota, claimed
from zhengling.kernel.errors import Problem, Text, invalid, not_found
from zhengling.service.service import Service
from zhengling.web.call import Call, MoreKeys
from zhengling.web.paging import Page, Paging, page
from zhengling.web.problems import PROBLEMS, language_of
from zhengling.web.routing import (
    CommandRoute,
    authenticate,
    command,
    queries,
    query,
    require_known_parameters,
)
from zhengling.web.sight import Sees, keys_of, visible

PATH = "/v1/files"
_SHA256 = r"^[0-9a-f]{64}$"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_CONTENTS = {kind.media_type: _BINARY for kind in FILE_KINDS}
#: RFC 9530, and its predecessor RFC 3230, whose value has no colons.
_DIGEST = re.compile(r"(?:^|,)\s*sha-256\s*=\s*(:?)([A-Za-z0-9+/]{43}=)\1\s*(?=,|;|$)", re.IGNORECASE)
#: A parameter of a header's value (RFC 9110, 5.6.6); read in one pass, however many there are.
_PARAMETER = re.compile(r';[ \t]*([^\s;="]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s;"]*)')
_ESCAPED = re.compile(r"\\(.)")
#: The charsets of file names in extended values: what browsers here send.
_CHARSETS = {
    "utf-8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030", "iso-8859-1": "latin-1",
}  # fmt: skip
LONGEST_DISPOSITION = 4096
"""The most characters of a Content-Disposition."""
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)


class UploadParameters(BaseModel):
    """An upload's query parameters."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[
        str | None, Field(max_length=1000, description="the file's name, if not in Content-Disposition")
    ] = None
    sha256: Annotated[
        str | None, Field(pattern=_SHA256, description="the expected SHA-256; Content-Digest is an alternative")
    ] = None
    classification: Annotated[
        Classification,
        Field(description="classified content is refused: 秘密 confidential, 机密 secret, 绝密 top secret"),
    ] = Classification.internal


class FileView(BaseModel):
    """An uploaded file; immutable."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    media_type: str
    size: Annotated[int, Field(description="in bytes")]
    sha256: str
    uploaded_by: str
    uploaded_at: datetime
    modified_at: datetime


class FileFinding(BaseModel):
    sha256: str
    what: Annotated[str, Field(description="missing or changed")]
    files: Annotated[list[str], Field(description="the files with this content")]


class FilesVerdict(BaseModel):
    """The findings of one part of the contents; repeat with `after` until `next_after` is null."""

    contents: int
    bytes: int
    findings: list[FileFinding]
    next_after: str | None


# headers ------------------------------------------------------------------------------------------------------------
def name_in(disposition: str) -> str | None:
    """The file's name in a Content-Disposition (RFC 6266): `filename*` before `filename`. Raw UTF-8 and raw GBK, which many
    clients send, are accepted, also in a `filename*` that names no charset. 422 `file_name_invalid` for a parameter given
    twice, of which two readers might take different ones, for a name that isn't in the charset it states, and for a header that
    is too long."""
    if len(disposition) > LONGEST_DISPOSITION:
        raise _unreadable_name("Content-Disposition is too long", "Content-Disposition 请求头过长")
    given = [(name.lower(), value) for name, value in _PARAMETER.findall(disposition)]
    names = {name: value for name, value in given if name in ("filename", "filename*")}
    if len(names) < sum(name in names for name, _ in given):
        raise _unreadable_name("Content-Disposition gives the file's name twice", "请求头中的文件名重复")
    if (extended := names.get("filename*")) is not None:
        return _extended(extended.strip('"'))
    plain = names.get("filename")
    return _raw(_ESCAPED.sub(r"\1", plain[1:-1]) if plain.startswith('"') else plain) if plain is not None else None


def _extended(value: str) -> str:
    """The text of an extended value (RFC 8187): `UTF-8'zh'%E9%80%9A…`."""
    charset, _, text = value.split("'", 2) if value.count("'") >= 2 else ("", "", value)
    content = unquote_to_bytes(text.encode("latin-1", "replace"))
    if not charset:
        return _raw(content.decode("latin-1"))
    try:
        return content.decode(_CHARSETS[charset.lower()])
    except (KeyError, UnicodeError):
        raise _unreadable_name("filename* isn't in the charset it states", "文件名与所注明的字符集不符") from None


def _unreadable_name(en: str, zh: str) -> Problem:
    return invalid("file_name_invalid", f"{en}; give filename*=UTF-8''… once", f"{zh}，请以 UTF-8 注明一次文件名")


def _raw(name: str) -> str:
    """A name whose bytes were read as Latin-1: they are UTF-8, or else GBK (GB 18030). A few GBK names are valid UTF-8, too
    (通知 is), and read as that."""
    for charset in ("utf-8", "gb18030"):
        try:
            return name.encode("latin-1").decode(charset)
        except UnicodeError:
            continue
    return name


def disposition_of(name: str) -> str:
    """The Content-Disposition of a download: the full name, and an ASCII fallback for old clients."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def digest_in(request: Request) -> str | None:
    """The SHA-256 in Content-Digest, Repr-Digest or Digest, as hex digits; None if there is none."""
    for header in ("content-digest", "repr-digest", "digest"):
        if found := _DIGEST.search(request.headers.get(header, "")):
            return base64.b64decode(found[2]).hex()
    return None


def stated_upload(request: Request) -> Upload:
    """The upload as stated by the request. Problems as in `Upload.stated`, and 422 `file_name_missing`, `invalid_payload`,
    `digest_mismatch` if two stated digests differ."""
    try:
        said = UploadParameters.model_validate(dict(request.query_params))
    except ValidationError as error:
        wrong = [detail | {"loc": ("query", *detail["loc"])} for detail in error.errors(include_url=False)]
        raise RequestValidationError(wrong) from error
    name = said.name or name_in(request.headers.get("content-disposition", ""))
    if name is None:
        raise invalid(
            "file_name_missing",
            "the upload has no name; give name=… or Content-Disposition: attachment; filename*=UTF-8''…",
            "缺少文件名，请注明文件名",
        )
    digest = digest_in(request)
    if None not in (digest, said.sha256) and digest != said.sha256:
        raise invalid("digest_mismatch", "two different digests are stated", "所填的两个 SHA-256 不一致")
    media_type = request.headers.get("content-type", UNKNOWN_MEDIA_TYPE)
    service: Service = request.app.state.service
    return Upload.stated(service, name, media_type, said.sha256 or digest, said.classification)


async def _counted(request: Request, claim: Claim) -> AsyncIterator[bytes]:
    async for piece in request.stream():
        claim.used += len(piece)
        yield piece


class UploadRoute(CommandRoute):
    """A command whose body is a file: refusals by headers come before any byte of the body is read."""

    async def content(self, request: Request) -> bytes:
        service: Service = request.app.state.service
        principal = await authenticate(request)
        require_known_parameters(request)
        upload = stated_upload(request)
        settings = service.settings
        length = request.headers.get("content-length", "")
        size = int(length) if length.isdecimal() and length.isascii() else settings.file_max_bytes
        if size > settings.file_max_bytes:
            raise files.too_large(settings.file_max_bytes)
        person, most = (
            principal.official or principal.subject,
            Quota(settings.person_upload_bytes, settings.government_upload_bytes),
        )
        try:
            async with claimed(service.database, principal.government, person, size, most) as claim:
                received = await files.receive(service, principal.government, upload, _counted(request, claim))
        except ClientDisconnect as error:
            text = Text("the upload was aborted", "上传中断")
            raise Problem(400, "upload_broken_off", text) from error
        request.state.received = received
        return f"{received.name}\n{received.media_type}\n{received.sha256}".encode()


# downloads ----------------------------------------------------------------------------------------------------------
def span_of(header: str | None, if_range: str | None, tag: str, size: int) -> tuple[int, int] | None:
    """The requested range of bytes [start, end); None for the whole content, also if several ranges are requested or
    If-Range doesn't match (RFC 9110, 14.2 and 13.1.5). 416 `range_not_satisfiable`."""
    found = _RANGE.fullmatch((header or "").replace(" ", ""))
    if found is None or not any(found.groups()) or (if_range is not None and if_range.strip() != tag):
        return None
    first, last = found.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if first and last and int(last) < int(first):
        return None  # an invalid header is ignored
    if start >= size:
        raise Problem(
            416,
            "range_not_satisfiable",
            Text(f"the file has {size} bytes", f"文件共{size}字节，请求的范围超出"),
            headers={"Content-Range": f"bytes */{size}"},
        )
    return start, end


def _headers(file: StoredFile, tag: str) -> dict[str, str]:
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Content-Disposition": disposition_of(file.name),
        "Cache-Control": "private, no-cache",  # caches must revalidate, so that each download is audited
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Repr-Digest": f"sha-256=:{digest}:",
        "Vary": "Authorization",
        "X-Content-Type-Options": "nosniff",
    }


#: Whether a noun that the caller sees refers to the file.
Attached = Callable[[Call, str], Awaitable[bool]]


async def _find(call: Call, file_id: str, attached: Attached | None) -> StoredFile:
    """The file, if the caller uploaded it or is of those who see all of them, or by what refers to it; else 404."""
    file = await files.find(call.session, file_id)
    if await call.session.scalar(sa.select(visible(call, StoredFile)).where(files.file_table.c.id == file_id)):
        return file
    if attached and await attached(call, file_id):
        return file
    raise not_found("file", "文件", file_id)


async def _download(
    request: Request,
    read: str,
    attached: Attached | None,
    more: MoreKeys | None,
    file_id: str,
    if_none_match: str | None,
    range_: str | None,
    if_range: str | None,
) -> Response:
    """Find the row, open the content, audit the download, then stream; the store is called between transactions."""
    service: Service = request.app.state.service
    principal = await authenticate(request)
    principal.require(read)
    require_known_parameters(request)
    async with service.database.transaction(principal.government) as session:
        call = Call(principal, session, service, language_of(request))
        call.keys = await keys_of(call, more)
        file = await _find(call, file_id, attached)
    tag = f'"{file.sha256}"'
    headers = _headers(file, tag)
    if if_none_match is not None and {part.strip().removeprefix("W/") for part in if_none_match.split(",")} & {
        "*",
        tag,
    }:
        return Response(status_code=304, headers=headers)
    span = span_of(range_, if_range, tag, file.size)
    start, end = span or (0, file.size)
    status = 206 if span else 200
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    if request.state.only_head:  # nobody gets the content: it isn't opened, and no download is on record
        return Response(None, status, headers, file.media_type)
    pieces: AsyncIterator[bytes] = await files.open(service, file, span)
    async with service.database.transaction(principal.government) as session:
        await audit.record(
            session,
            actor=principal.official or principal.subject,
            action="download_file",
            subject=f"file:{file.id}",
            details={"client": principal.client, "sha256": file.sha256, "bytes": [start, end]},
        )
    return StreamingResponse(pieces, status, headers, file.media_type)


_DOWNLOAD: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole content", "content": _CONTENTS},
    206: {"description": "The requested range", "content": _CONTENTS},
    304: {"description": "Not modified"},
    416: {"description": "The file is shorter", "content": PROBLEMS[422]["content"]},
    500: {"description": "The content was lost or changed in the store", "content": PROBLEMS[422]["content"]},
}


def routes(name: str, attached: Attached | None = None, more: MoreKeys | None = None) -> APIRouter:
    """The file routes of the service `name`, whose nouns refer to files (`attached`); `more` are the keys that it adds for its
    readers. They need a larger body limit: `create_app(body_limits={PATH: …})`."""
    read, write, admin = f"{name}:read", f"{name}:write", f"{name}:admin"
    reads = queries("/v1", "files")
    uploads = APIRouter(prefix="/v1", tags=["files"], route_class=UploadRoute, responses=PROBLEMS)

    @uploads.post(
        "/files",
        operation_id="upload_file",
        status_code=201,
        summary="Upload a file: the body is its content (上传文件)",
        responses={408: {"description": "Too slow", "content": PROBLEMS[422]["content"]}},
        openapi_extra={"requestBody": {"required": True, "content": _CONTENTS | {UNKNOWN_MEDIA_TYPE: _BINARY}}},
    )
    async def upload_file(
        said: Annotated[UploadParameters, Query()],
        request: Request,
        call: Annotated[Call, command(write)],
        response: Response,
        content_disposition: Annotated[str | None, Header(description="RFC 6266; the name in filename*")] = None,
        content_digest: Annotated[str | None, Header(description="RFC 9530; sha-256 is checked")] = None,
    ) -> FileView:
        file = await files.record(call.session, request.state.received, call.official or call.principal.subject)
        response.headers["Location"] = f"{PATH}/{file.id}"
        call.audit_details.update(subject=f"file:{file.id}", sha256=file.sha256, size=file.size)
        return FileView.model_validate(file)

    @reads.get(
        "/files", operation_id="list_files", summary="List files in the order of upload, or those with one content"
    )
    async def list_files(
        call: Annotated[Call, query(read, sees=Sees.rows)],
        paging: Paging,
        sha256: Annotated[str | None, Query(pattern=_SHA256)] = None,
    ) -> Page[FileView]:
        filters = [files.file_table.c.sha256 == sha256] if sha256 else []
        rows, cursor = await page(call, StoredFile, paging, *filters)
        return Page(items=[FileView.model_validate(row) for row in rows], next_cursor=cursor)

    @reads.get(
        "/files/verify", operation_id="verify_files", summary="Verify the stored contents by their hashes, part by part"
    )
    async def verify_files(
        request: Request,
        after: Annotated[str, Query(pattern=r"^([0-9a-f]{64})?$", description="next_after of the previous part")] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> FilesVerdict:
        principal = await authenticate(request)
        principal.require(admin)
        require_known_parameters(request)
        found = await files.verify(request.app.state.service, principal.government, after, limit)
        return FilesVerdict.model_validate(asdict(found))

    @reads.get("/files/{file_id}", operation_id="get_file", summary="A file's metadata")
    async def get_file(file_id: str, call: Annotated[Call, query(read, sees=Sees.rows, more=more)]) -> FileView:
        return FileView.model_validate(await _find(call, file_id, attached))

    @reads.get(
        "/files/{file_id}/content",
        operation_id="download_file",
        summary="A file's content, whole or a range of it; each download is audited (下载文件)",
        response_class=StreamingResponse,
        responses=_DOWNLOAD,
    )
    async def download_file(
        file_id: str,
        request: Request,
        if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
        range_: Annotated[str | None, Header(alias="Range", description="one range of bytes")] = None,
        if_range: Annotated[str | None, Header(alias="If-Range")] = None,
    ) -> Response:
        return await _download(request, read, attached, more, file_id, if_none_match, range_, if_range)

    router = APIRouter()
    for part in (uploads, reads):
        router.include_router(part)
    return router
