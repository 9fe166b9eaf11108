"""The file store's contract, the same for a folder and for S3: contents are returned unchanged, a partial upload is never
a file, abandoned uploads are swept, damage is detected."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from importlib.resources import files as resources
from pathlib import Path
from uuid import uuid4

import asyncpg
import obstore
import pytest
from prometheus_client import REGISTRY

from tests.conftest import ScratchDatabase
from tests.contents import CONTENTS, DOCX, ENCRYPTED, PDF, PNG, compound, pdf, zipped
from tests.object_store import ObjectStore
from zhengling.database.session import Database
from zhengling.files import files
from zhengling.files.files import StoredFile, Upload
from zhengling.files.kinds import KINDS
from zhengling.files.store import FileStore
from zhengling.kernel.errors import Problem
from zhengling.rules.loading import Rulebooks
from zhengling.service.auth import Authenticator, KeySource
from zhengling.service.service import Service
from zhengling.service.settings import ServiceSettings

NOW = timedelta(0)
LARGE = 12_000_000  # more than two parts of an upload to S3


@pytest.fixture(scope="module")
async def database(scratch_database: Callable[..., Awaitable[ScratchDatabase]]) -> ScratchDatabase:
    tables = ("0002_files", "0007_upload_quota")
    scripts = [resources("zhengling.migrations").joinpath(f"{name}.up.sql").read_text("utf-8") for name in tables]
    return await scratch_database("\n".join(scripts))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with ObjectStore(tmp_path_factory.mktemp("s3")) as server:
        server.make_bucket()
        yield server


class Keeper:
    """A service that keeps files, for a government of its own in each test; and a look into what it really keeps."""

    def __init__(self, database: ScratchDatabase, address: dict[str, str]) -> None:
        given = {
            "profile": "development", "database_url": database.app, "rulebooks": "", "auth_issuer": "x", "auth_jwks": "x",
            "kafka_bootstrap_servers": "x", "file_max_bytes": LARGE,
        }  # fmt: skip
        settings = ServiceSettings.model_validate(given | address)
        store = FileStore.of(settings)
        assert store
        self.store = store
        self.government = f"t{uuid4().hex[:12]}"
        self.service = Service(
            "trial",
            settings,
            Database(database.app, application="trial-api"),
            Rulebooks([]),
            Authenticator("x", "x", KeySource.at("x")),
            store,
        )
        self.worker = Database(database.worker, application="trial-worker")
        self._admin = database.admin

    async def receive(self, pieces: AsyncIterator[bytes], **said: str) -> files.Received:
        upload = Upload(said.get("name", "批复.pdf"), KINDS[said.get("kind", "pdf")], said.get("sha256"))
        return await files.receive(self.service, self.government, upload, pieces)

    async def record(self, received: files.Received) -> StoredFile:
        async with self.service.database.transaction(self.government) as session:
            return await files.record(session, received, "somebody")

    async def keep(self, content: bytes, **said: str) -> StoredFile:
        return await self.record(await self.receive(in_pieces(content), **said))

    async def read(self, file: StoredFile, span: tuple[int, int] | None = None) -> bytes:
        return b"".join([piece async for piece in await files.open(self.service, file, span)])

    async def sweep(self, grace: timedelta = NOW) -> int:
        return await files.sweep(self.worker, self.store, self.government, grace)

    async def age(self) -> None:
        """As if all contents had been claimed two days ago."""
        aged = "UPDATE file_content SET claimed_at = claimed_at - interval '2 days' WHERE government = $1"
        await self.ask(aged, self.government)

    async def objects(self) -> set[str]:
        """The keys below the government's prefix, past the code under test."""
        listed = [meta async for batch in obstore.list(self.store._store, self.government) for meta in batch]
        return {meta["path"].removeprefix(f"{self.government}/") for meta in listed}

    async def overwrite(self, file: StoredFile, content: bytes) -> None:
        await obstore.put_async(self.store._store, file.key, content)

    async def ask(self, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._admin, timeout=10)
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, *values)
            return found
        finally:
            await connection.close()

    async def rows(self) -> tuple[int, int]:
        """How many contents and how many files the database knows."""
        counts = [
            await self.ask(f"SELECT count(*) FROM {table} WHERE government = $1", self.government)
            for table in ("file_content", "file")
        ]
        return counts[0][0][0], counts[1][0][0]


@pytest.fixture
async def folder_keeper(database: ScratchDatabase, tmp_path: Path) -> AsyncIterator[Keeper]:
    keeper = Keeper(database, {"file_store_url": (tmp_path / "文件 1").as_uri()})
    yield keeper
    await keeper.service.database.close()
    await keeper.worker.close()


@pytest.fixture
async def s3_keeper(database: ScratchDatabase, s3: ObjectStore) -> AsyncIterator[Keeper]:
    keeper = Keeper(database, s3.settings)
    yield keeper
    await keeper.service.database.close()
    await keeper.worker.close()


@pytest.fixture(params=["folder", "s3"])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    found: Keeper = request.getfixturevalue(f"{request.param}_keeper")
    return found


async def in_pieces(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def broken_off(content: bytes) -> AsyncIterator[bytes]:
    yield content
    raise ConnectionResetError("the caller is gone")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# in and out ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [len(PDF), 70_000, LARGE])
async def test_a_content_is_returned_unchanged(size: int, keeper: Keeper) -> None:
    content = pdf(size)
    file = await keeper.keep(content)
    assert (file.size, file.sha256, file.media_type) == (size, sha256(content), "application/pdf")
    assert await keeper.read(file) == content
    assert await keeper.objects() == {file.sha256}


@pytest.mark.parametrize("kind", CONTENTS)
async def test_every_kind_is_known_by_its_content_in_the_store(kind: str, keeper: Keeper) -> None:
    file = await keeper.keep(CONTENTS[kind], kind=kind, name=f"文件.{KINDS[kind].endings[0]}")
    assert file.media_type == KINDS[kind].media_type


async def test_a_part_of_a_content_is_read_alone(keeper: Keeper) -> None:
    content = pdf(3_000_000) + b"the end"
    file = await keeper.keep(content)
    for span in ((0, 5), (2_999_990, 3_000_007), (1_048_570, 2_097_160)):
        assert await keeper.read(file, span) == content[slice(*span)]


async def test_equal_contents_are_stored_once_and_are_two_files(keeper: Keeper) -> None:
    one, two = await keeper.keep(PDF, name="一.pdf"), await keeper.keep(PDF, name="二.pdf")
    assert one.id != two.id
    assert await keeper.objects() == {sha256(PDF)}
    assert await keeper.rows() == (1, 2)


async def test_files_are_visible_to_their_government_only(keeper: Keeper) -> None:
    file = await keeper.keep(PDF)
    async with keeper.service.database.transaction("another") as session:
        with pytest.raises(Problem) as refused:
            await files.find(session, file.id)
        assert refused.value.code == "file_not_found"
        with pytest.raises(Problem) as refused:
            await files.require(session, [file.id])
        assert refused.value.code == "unknown_file"
    async with keeper.service.database.transaction(keeper.government) as session:
        assert await files.find(session, file.id) == file


async def test_files_that_are_referred_to_are_given_in_their_order_or_named_as_unknown(keeper: Keeper) -> None:
    one, two = await keeper.keep(PDF), await keeper.keep(PNG, kind="png", name="图.png")
    async with keeper.service.database.transaction(keeper.government) as session:
        found = await files.require(session, [two.id, one.id, two.id])
        assert [file.id for file in found] == [two.id, one.id, two.id]
        assert await files.require(session, []) == []
        with pytest.raises(Problem) as refused:
            await files.require(session, [one.id, "nothing", "nobody"])
    assert (refused.value.status, refused.value.extra["unknown"]) == (422, ["nobody", "nothing"])


async def test_nobody_can_change_or_delete_a_file_in_the_database(keeper: Keeper) -> None:
    file = await keeper.keep(PDF)
    for database in (keeper.service.database, keeper.worker):
        for statement in ("UPDATE file SET name = 'x.pdf'", "DELETE FROM file"):
            connection = await asyncpg.connect(database.url.set(drivername="postgresql").render_as_string(False))
            try:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
            finally:
                await connection.close()
    assert await keeper.read(file) == PDF


# refusals -----------------------------------------------------------------------------------------------------------
REFUSED: dict[str, tuple[bytes, dict[str, str], str]] = {
    "nothing at all": (b"", {}, "file_empty"),
    "another digest than stated": (PDF, {"sha256": "0" * 64}, "digest_mismatch"),
    "a picture called PDF": (PNG, {}, "content_differs"),
    "a zip called DOCX": (zipped("readme"), {"kind": "docx", "name": "a.docx"}, "content_differs"),
    "a workbook called DOC": (compound("Workbook"), {"kind": "doc", "name": "a.doc"}, "content_differs"),
    "a zip cut off": (DOCX[:-30], {"kind": "docx", "name": "a.docx"}, "content_differs"),
    "a compound file cut off": (compound("WordDocument")[:600], {"kind": "doc", "name": "a.doc"}, "content_differs"),
    "a compound file of zeros": (compound()[:8] + bytes(2000), {"kind": "doc", "name": "a.doc"}, "content_differs"),
    "a document with a password": (ENCRYPTED, {"kind": "docx", "name": "a.docx"}, "content_encrypted"),
    "more than may be": (pdf(LARGE + 1), {}, "body_too_large"),
}


@pytest.mark.parametrize("refused", REFUSED)
async def test_a_refused_upload_leaves_nothing(refused: str, keeper: Keeper) -> None:
    content, said, code = REFUSED[refused]
    with pytest.raises(Problem) as problem:
        await keeper.receive(in_pieces(content), **said)
    assert problem.value.code == code
    assert await keeper.objects() == set()
    assert await keeper.rows() == (0, 0)


@pytest.mark.parametrize("size", [100, 7_000_000])
async def test_an_aborted_upload_leaves_nothing(size: int, keeper: Keeper) -> None:
    with pytest.raises(ConnectionResetError):
        await keeper.receive(broken_off(pdf(size)))
    assert await keeper.objects() == set()
    assert await keeper.rows() == (0, 0)


async def test_a_container_with_an_endless_directory_is_not_read_to_its_end(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "DIRECTORY_BYTES", 20_000)
    assert (await keeper.keep(DOCX, kind="docx", name="a.docx")).size == len(DOCX)
    many = zipped("[Content_Types].xml", *(f"word/{n}.xml" for n in range(1000)))
    with pytest.raises(Problem) as refused:
        await keeper.keep(many, kind="docx", name="a.docx")
    assert refused.value.code == "content_differs"


async def test_an_upload_that_takes_too_long_is_aborted(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        yield PDF
        await asyncio.sleep(30)

    monkeypatch.setattr(files, "WITHIN", timedelta(seconds=0.3))
    with pytest.raises(Problem) as refused:
        await keeper.receive(dripping())
    assert (refused.value.status, refused.value.code) == (408, "upload_too_slow")
    assert await keeper.objects() == set()


# what is abandoned --------------------------------------------------------------------------------------------------
async def test_a_content_that_never_became_a_file_is_swept_once_it_is_old(keeper: Keeper) -> None:
    kept = await keeper.keep(PDF)
    await keeper.receive(in_pieces(PNG), kind="png", name="图.png")
    assert await keeper.sweep(files.GRACE) == 0
    assert len(await keeper.objects()) == 2
    assert await keeper.sweep() == 1
    assert await keeper.objects() == {kept.sha256}
    assert await keeper.rows() == (1, 1)
    assert await keeper.sweep() == 0


async def test_what_a_killed_process_was_writing_is_swept_once_it_is_old(keeper: Keeper) -> None:
    await obstore.put_async(keeper.store._store, f"{keeper.government}/incoming/half", b"half of it")
    assert await keeper.sweep(files.GRACE) == 0
    await asyncio.sleep(1.1)  # S3's times have a resolution of one second
    assert await keeper.sweep() == 1
    assert await keeper.objects() == set()


async def test_the_part_file_of_a_killed_process_is_swept_from_a_folder(folder_keeper: Keeper) -> None:
    keeper = folder_keeper
    await keeper.keep(PDF)
    assert keeper.store._folder
    part = keeper.store._folder / keeper.government / "incoming" / "half#1"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"half of it")
    assert await keeper.sweep(files.GRACE) == 0
    assert part.exists()
    assert await keeper.sweep() == 1
    assert not part.exists()


async def test_an_upload_of_a_content_being_swept_is_refused_as_busy(keeper: Keeper) -> None:
    received = await keeper.receive(in_pieces(PDF))
    marked = "UPDATE file_content SET leaving_since = clock_timestamp() WHERE government = $1"
    await keeper.ask(marked, keeper.government)
    for attempt in (keeper.record(received), keeper.receive(in_pieces(PDF))):
        with pytest.raises(Problem) as refused:
            await attempt
        assert (refused.value.status, refused.value.code) == (503, "busy")
    assert await keeper.sweep() == 0, "another sweeper is at it"
    again = "UPDATE file_content SET leaving_since = leaving_since - interval '2 hours' WHERE government = $1"
    await keeper.ask(again, keeper.government)
    assert await keeper.sweep() == 1, "which died, it seems"
    assert await keeper.read(await keeper.keep(PDF)) == PDF


async def test_a_content_whose_file_is_being_recorded_is_not_swept(keeper: Keeper) -> None:
    received = await keeper.receive(in_pieces(PDF))
    await keeper.age()
    async with keeper.service.database.transaction(keeper.government) as session:
        file = await files.record(session, received, "somebody")
        sweeping = asyncio.create_task(keeper.sweep(files.GRACE))
        await asyncio.sleep(0.5)
        assert not sweeping.done(), "it waits for the row"
    assert await sweeping == 0
    assert await keeper.read(file) == PDF


async def test_sweepers_and_uploads_of_one_content_never_lose_a_file(keeper: Keeper) -> None:
    async def sweep() -> int:
        await asyncio.sleep(random.uniform(0, 0.03))
        return await keeper.sweep(files.GRACE)

    async def upload(content: bytes) -> StoredFile | None:
        try:
            return await keeper.keep(content)
        except Problem as problem:
            if problem.code != "busy":
                raise
            return None

    for n in range(12):
        content = pdf(1000, b"%d" % n)
        await keeper.receive(in_pieces(content))  # and died, long ago
        await keeper.age()
        one, _, two, _ = await asyncio.gather(upload(content), sweep(), upload(content), sweep())
        kept = [file for file in (one, two, await upload(content)) if file]
        assert kept, "the last one comes when the sweepers are done"
        for file in kept:
            assert await keeper.read(file) == content


# what is damaged ----------------------------------------------------------------------------------------------------
async def test_verification_names_what_is_missing_or_changed_and_whose_it_is(keeper: Keeper) -> None:
    made = [await keeper.keep(pdf(1000, b"%d" % n)) for n in range(5)]
    twice = await keeper.keep(pdf(1000, b"3"))
    found = await files.verify(keeper.service, keeper.government)
    assert (found.contents, found.bytes, found.findings, found.next_after) == (5, 5000, [], None)
    await keeper.store.delete(made[1].key)
    await keeper.overwrite(made[3], pdf(1000, b"x"))
    findings, after, parts = [], "", 0
    while after is not None:
        part = await files.verify(keeper.service, keeper.government, after, limit=2)
        findings += part.findings
        after, parts = part.next_after, parts + 1
    assert parts == 3
    assert {(finding.what, finding.sha256, tuple(finding.files)) for finding in findings} == {
        ("missing", made[1].sha256, (made[1].id,)),
        ("changed", made[3].sha256, (made[3].id, twice.id)),
    }


async def test_verification_stops_at_an_amount_of_bytes_and_goes_on_from_there(keeper: Keeper) -> None:
    for n in range(3):
        await keeper.keep(pdf(1000, b"%d" % n))
    first = await files.verify(keeper.service, keeper.government, most=1500)
    assert (first.contents, first.bytes) == (2, 2000)
    assert first.next_after
    rest = await files.verify(keeper.service, keeper.government, first.next_after)
    assert (rest.contents, rest.next_after) == (1, None)


async def test_a_changed_content_is_never_returned_whole(keeper: Keeper) -> None:
    content = pdf(3_000_000)
    file = await keeper.keep(content)
    await keeper.overwrite(file, content[:-1] + b"x")
    given = bytearray()
    with pytest.raises(Problem) as raised:
        async for piece in await files.open(keeper.service, file):
            given += piece
    assert (raised.value.status, raised.value.code) == (500, "file_damaged")
    assert len(given) < len(content)


async def test_a_missing_or_shortened_content_is_reported_before_any_byte_is_returned(keeper: Keeper) -> None:
    file = await keeper.keep(PDF)
    before = REGISTRY.get_sample_value("zhengling_file_damaged_total") or 0
    await keeper.overwrite(file, PDF[:-1])
    with pytest.raises(Problem) as raised:
        await files.open(keeper.service, file)
    assert raised.value.code == "file_damaged"
    await keeper.store.delete(file.key)
    with pytest.raises(Problem) as raised:
        await files.open(keeper.service, file)
    assert raised.value.code == "file_damaged"
    assert REGISTRY.get_sample_value("zhengling_file_damaged_total") == before + 2


async def test_uploading_a_damaged_file_again_makes_it_whole_for_all_that_refer_to_it(keeper: Keeper) -> None:
    file = await keeper.keep(PDF)
    await keeper.overwrite(file, b"x" * len(PDF))
    await keeper.keep(PDF)
    assert await keeper.read(file) == PDF


# the store is away --------------------------------------------------------------------------------------------------
async def test_readiness_reports_whether_the_store_answers(keeper: Keeper) -> None:
    assert await keeper.store.check() == "ok"


async def test_readiness_reports_a_missing_folder(folder_keeper: Keeper, tmp_path: Path) -> None:
    keeper = folder_keeper
    file = await keeper.keep(PDF)
    folder = tmp_path / "文件 1"
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("no folder")
    assert (await keeper.store.check()).startswith("ok, but")
    with pytest.raises(Problem) as raised:
        await keeper.keep(PDF)
    assert (raised.value.status, raised.value.code) == (503, "file_store_away")
    folder.unlink()
    (tmp_path / "elsewhere").rename(folder)
    assert await keeper.read(file) == PDF


async def test_a_worker_sweeps_after_every_government_and_goes_on_where_the_store_is_away(
    folder_keeper: Keeper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = folder_keeper
    monkeypatch.setattr(Rulebooks, "governments", ["nobodys", keeper.government])
    worker = dataclasses.replace(keeper.service, database=keeper.worker)
    await keeper.receive(in_pieces(PDF))
    await keeper.age()
    (tmp_path / "文件 1").rename(tmp_path / "elsewhere")
    (tmp_path / "文件 1").write_text("no folder")
    await files.sweep_all(worker)
    assert await keeper.rows() == (1, 0)
    (tmp_path / "文件 1").unlink()
    (tmp_path / "elsewhere").rename(tmp_path / "文件 1")
    await keeper.ask("UPDATE file_content SET leaving_since = NULL WHERE government = $1", keeper.government)
    await files.sweep_all(worker)
    assert await keeper.rows() == (0, 0)
    assert await keeper.objects() == set()


async def test_a_store_killed_in_the_middle_of_an_upload_leaves_no_file_and_takes_the_repetition(
    s3_keeper: Keeper, s3: ObjectStore
) -> None:
    keeper, content = s3_keeper, pdf(LARGE)

    async def killing() -> AsyncIterator[bytes]:
        yield content[:6_000_000]
        await asyncio.to_thread(s3.kill)
        yield content[6_000_000:]

    with pytest.raises(Problem) as raised:
        await keeper.receive(killing())
    assert (raised.value.status, raised.value.code) == (503, "file_store_away")
    assert raised.value.headers["Retry-After"]
    assert await keeper.store.check() == "ok, but the file store can't be reached"
    assert await keeper.rows() == (0, 0)
    s3.start()
    await asyncio.to_thread(s3.wait_ready)
    s3.make_bucket()
    assert await keeper.read(await keeper.keep(content)) == content


async def test_a_store_that_hangs_holds_readiness_up_for_seconds_only(s3_keeper: Keeper, s3: ObjectStore) -> None:
    s3.freeze()
    try:
        async with asyncio.timeout(5):
            assert await s3_keeper.store.check() == "ok, but the file store can't be reached"
    finally:
        s3.thaw()
    assert await s3_keeper.store.check() == "ok"


async def test_readiness_reports_a_missing_bucket(database: ScratchDatabase, s3: ObjectStore) -> None:
    keeper = Keeper(database, s3.settings | {"file_store_url": "s3://nobodys"})
    try:
        assert (await keeper.store.check()).startswith("ok, but")
        with pytest.raises(Problem) as raised:
            await keeper.keep(PDF)
        assert raised.value.code == "file_store_away"
    finally:
        await keeper.service.database.close()
        await keeper.worker.close()
