import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator

import pytest

from headrace_server.app import Core
from headrace_server.config import Config
from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.model.errors import (
    ChecksumMismatchError,
    InvalidFieldError,
    NotFoundError,
    TooLargeError,
    UnknownDataTypeError,
    UnsupportedFormatError,
    UploadClosedError,
    UploadExpiredError,
    WrongLengthError,
    WrongOffsetError,
)
from headrace_server.model.job import Priority
from headrace_server.model.tenant import Principal
from headrace_server.model.upload import Upload, UploadStatus

from .conftest import CALLER, customer, lines, stream

DATA = lines(customer(number) for number in range(50))


@pytest.fixture
def uploads(core: Core) -> Uploads:
    return core.services.uploads


async def opened(uploads: Uploads, total_bytes: int | None = None, sha256: str = "") -> Upload:
    return await uploads.create(
        CALLER,
        file_name="customers_1.ndjson",
        data_type="",
        total_bytes=total_bytes,
        sha256=sha256 or None,
        priority=Priority.HIGH,
    )


async def appended(uploads: Uploads, token: str, data: bytes, offset: int = 0) -> Upload:
    return await uploads.append(CALLER, token, offset=offset, sha256=None, body=stream(data))


def stored(core: Core, token: str) -> bytes:
    return (core.config.spool_dir / "uploads" / token / "data").read_bytes()


async def test_upload_in_pieces_is_put_together_and_starts_one_ingestion(
    core: Core, uploads: Uploads
) -> None:
    upload = await opened(uploads, len(DATA))
    token = upload.upload_id
    assert (upload.offset, upload.data_type, upload.status) == (0, "customers", UploadStatus.OPEN)
    await appended(uploads, token, DATA[:777])
    await appended(uploads, token, DATA[777:2000], 777)
    assert (await appended(uploads, token, DATA[2000:], 2000)).offset == len(DATA)
    done = await uploads.complete(CALLER, token, sha256=hashlib.sha256(DATA).hexdigest())
    assert done.status is UploadStatus.COMPLETED
    assert stored(core, token) == DATA
    again = await uploads.complete(CALLER, token, sha256=None)
    assert again.request_id == done.request_id
    ingestion = await core.services.ingestions.get(CALLER, done.request_id or "")
    assert (ingestion.bytes_total, ingestion.priority) == (len(DATA), Priority.HIGH)


async def test_concurrent_completions_start_one_ingestion(uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, DATA)
    done = await asyncio.gather(*(uploads.complete(CALLER, token, sha256=None) for _ in range(10)))
    assert len({upload.request_id for upload in done}) == 1


async def test_bytes_sent_after_completion_never_reach_the_complete_upload(
    core: Core, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_server.core.ingestion.arrivals._ACKNOWLEDGE_EVERY", len(DATA))
    token = (await opened(uploads)).upload_id
    completed, begun = asyncio.Event(), asyncio.Event()

    async def goes_on() -> AsyncIterator[bytes]:
        yield DATA
        begun.set()
        await completed.wait()
        yield b"late"

    writer = asyncio.create_task(
        uploads.append(CALLER, token, offset=0, sha256=None, body=goes_on())
    )
    await begun.wait()
    await uploads.complete(CALLER, token, sha256=hashlib.sha256(DATA).hexdigest())
    completed.set()
    with pytest.raises(UploadClosedError):
        await writer
    assert stored(core, token) == DATA


async def test_abort_beside_completion_takes_all_or_nothing(core: Core, uploads: Uploads) -> None:
    for _ in range(15):
        token = (await opened(uploads)).upload_id
        await appended(uploads, token, DATA)
        done, aborted = await asyncio.gather(
            uploads.complete(CALLER, token, sha256=None),
            uploads.abort(CALLER, token),
            return_exceptions=True,
        )
        if isinstance(aborted, UploadClosedError):
            assert isinstance(done, Upload)
            assert stored(core, token) == DATA
        else:
            assert aborted is None
            assert isinstance(done, NotFoundError)


async def test_wrong_checksum_beside_completion_never_takes_accepted_bytes(
    core: Core, uploads: Uploads
) -> None:
    for _ in range(15):
        token = (await opened(uploads)).upload_id
        await appended(uploads, token, DATA)
        await asyncio.gather(
            uploads.complete(CALLER, token, sha256=None),
            uploads.complete(CALLER, token, sha256="0" * 64),
            return_exceptions=True,
        )
        upload = await uploads.get(CALLER, token)
        if upload.status is UploadStatus.COMPLETED:
            assert stored(core, token) == DATA
        else:
            assert (upload.status, upload.offset) == (UploadStatus.FAILED, 0)


async def test_discard_and_sweep_leave_what_was_completed_meanwhile(
    core: Core, uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another completion between their reading and their deleting."""
    token = (await opened(uploads)).upload_id
    before = await appended(uploads, token, DATA)
    await uploads.complete(CALLER, token, sha256=None)

    async def as_it_was(*_: object, **__: object) -> list[Upload]:
        return [before]

    await uploads._discard(before)
    monkeypatch.setattr("headrace_server.db.uploads.expired", as_it_was)
    assert await uploads.sweep() == 0
    assert stored(core, token) == DATA
    assert (await uploads.get(CALLER, token)).status is UploadStatus.COMPLETED


async def test_upload_that_was_written_to_since_it_was_sealed_is_not_accepted(
    core: Core, uploads: Uploads
) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, DATA[:1000])
    sealed = await uploads.seal(CALLER, token, sha256=None)
    await appended(uploads, token, DATA[1000:], 1000)
    with pytest.raises(UploadClosedError, match="complete it again"):
        await uploads._accept(sealed)
    assert not sealed.path.exists()
    await uploads.complete(CALLER, token, sha256=None)
    assert stored(core, token) == DATA


async def test_late_completion_does_not_replace_the_complete_upload(
    core: Core, uploads: Uploads
) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, DATA)
    sealed = await uploads.seal(CALLER, token, sha256=None)
    await uploads.complete(CALLER, token, sha256=None)
    inode = (core.config.spool_dir / "uploads" / token / "data").stat().st_ino
    sealed.path.unlink()
    sealed.path.write_bytes(DATA)
    await uploads._accept(sealed)
    files = list((core.config.spool_dir / "uploads" / token).iterdir())
    assert [(file.name, file.stat().st_ino) for file in files] == [("data", inode)]


async def test_cut_keeps_what_arrived_and_goes_on_there(core: Core, uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id

    async def cut() -> AsyncIterator[bytes]:
        yield DATA[:1234]
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await uploads.append(CALLER, token, offset=0, sha256=None, body=cut())
    assert (await uploads.get(CALLER, token)).offset == 1234
    await appended(uploads, token, DATA[1234:], 1234)
    await uploads.complete(CALLER, token, sha256=hashlib.sha256(DATA).hexdigest())
    assert stored(core, token) == DATA


async def test_wrong_offset_changes_nothing_and_says_the_right_one(uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, DATA[:100])
    with pytest.raises(WrongOffsetError) as caught:
        await appended(uploads, token, DATA[100:], 99)
    assert caught.value.offset == 100
    assert (await uploads.get(CALLER, token)).offset == 100


async def test_bad_chunk_checksum_discards_the_chunk(uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, DATA[:100])
    with pytest.raises(ChecksumMismatchError, match="send them again from 100"):
        await uploads.append(CALLER, token, offset=100, sha256="0" * 64, body=stream(DATA[100:200]))
    assert (await uploads.get(CALLER, token)).offset == 100
    good = hashlib.sha256(DATA[100:]).hexdigest().upper()
    await uploads.append(CALLER, token, offset=100, sha256=good, body=stream(DATA[100:]))
    assert (await uploads.get(CALLER, token)).offset == len(DATA)


async def test_new_writer_ends_the_hold_of_a_dead_one(core: Core, uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    silence, begun = asyncio.Event(), asyncio.Event()

    async def goes_silent() -> AsyncIterator[bytes]:
        yield DATA[:500]
        begun.set()
        await silence.wait()
        yield b"late"

    dead = asyncio.create_task(
        uploads.append(CALLER, token, offset=0, sha256=None, body=goes_silent())
    )
    await begun.wait()
    await uploads.resume(CALLER, token)
    await appended(uploads, token, DATA)
    silence.set()
    with pytest.raises(UploadClosedError, match="took the session over"):
        await dead
    await uploads.complete(CALLER, token, sha256=hashlib.sha256(DATA).hexdigest())
    assert stored(core, token) == DATA


async def test_wrong_whole_checksum_drops_the_bytes_and_resumes_from_zero(
    core: Core, uploads: Uploads
) -> None:
    token = (await opened(uploads, sha256=hashlib.sha256(DATA).hexdigest())).upload_id
    await appended(uploads, token, b"x" * 100)
    with pytest.raises(ChecksumMismatchError):
        await uploads.complete(CALLER, token, sha256=None)
    with pytest.raises(UploadClosedError, match="resume it"):
        await appended(uploads, token, DATA)
    with pytest.raises(UploadClosedError, match="resume it"):
        await uploads.complete(CALLER, token, sha256=None)
    assert (await uploads.resume(CALLER, token)).offset == 0
    await appended(uploads, token, DATA)
    assert (await uploads.complete(CALLER, token, sha256=None)).request_id
    assert stored(core, token) == DATA


async def test_declared_length_is_immutable(uploads: Uploads) -> None:
    token = (await opened(uploads, len(DATA))).upload_id
    await appended(uploads, token, DATA[:10])
    with pytest.raises(WrongLengthError, match=f"10 of {len(DATA)}"):
        await uploads.complete(CALLER, token, sha256=None)
    await uploads.resume(CALLER, token)
    with pytest.raises(WrongLengthError, match="more arrived"):
        await appended(uploads, token, DATA, 10)


async def test_zero_bytes_complete(uploads: Uploads) -> None:
    token = (await opened(uploads, 0)).upload_id
    assert (await uploads.complete(CALLER, token, sha256=None)).request_id


async def test_completed_upload_takes_no_more(uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, DATA)
    await uploads.complete(CALLER, token, sha256=None)
    for refused in (
        appended(uploads, token, b"{}", len(DATA)),
        uploads.resume(CALLER, token),
        uploads.abort(CALLER, token),
    ):
        with pytest.raises(UploadClosedError, match="complete"):
            await refused


async def test_aborted_upload_is_gone_with_its_bytes(core: Core, uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, DATA)
    await uploads.abort(CALLER, token)
    with pytest.raises(NotFoundError):
        await uploads.get(CALLER, token)
    assert not (core.config.spool_dir / "uploads" / token).exists()


async def test_expired_session_says_gone(core: Core, uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, DATA)
    now = uploads._clock()
    uploads._clock = lambda: now.replace(year=now.year + 1)
    with pytest.raises(UploadExpiredError, match="gone"):
        await uploads.get(CALLER, token)
    assert await uploads.sweep() == 1
    with pytest.raises(NotFoundError):
        await uploads.get(CALLER, token)
    assert not (core.config.spool_dir / "uploads" / token).exists()


async def test_foreign_format_is_refused_at_completion(uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, b"PK\x03\x04" + b"x" * 100)
    with pytest.raises(UnsupportedFormatError, match="zip"):
        await uploads.complete(CALLER, token, sha256=None)


async def test_gzip_is_taken(core: Core, uploads: Uploads) -> None:
    packed = gzip.compress(DATA)
    token = (await opened(uploads)).upload_id
    await appended(uploads, token, packed)
    assert (await uploads.complete(CALLER, token, sha256=None)).request_id
    assert stored(core, token) == packed


@pytest.mark.parametrize("file_name", ["../../etc/passwd_customers.ndjson", "strange.ndjson"])
async def test_unknown_data_type_lists_the_known(uploads: Uploads, file_name: str) -> None:
    with pytest.raises(UnknownDataTypeError) as caught:
        await uploads.create(
            CALLER,
            file_name=file_name,
            data_type="",
            total_bytes=None,
            sha256=None,
            priority=Priority.LOW,
        )
    assert caught.value.metadata["known"] == "customers, order_items, orders, products"


async def test_named_data_type_must_be_declared(uploads: Uploads) -> None:
    with pytest.raises(UnknownDataTypeError, match="'clients' is declared by no contract"):
        await uploads.create(
            CALLER,
            file_name="customers.ndjson",
            data_type="clients",
            total_bytes=None,
            sha256=None,
            priority=Priority.LOW,
        )


async def test_folders_in_a_file_name_are_dropped_or_refused(uploads: Uploads) -> None:
    upload = await uploads.create(
        CALLER,
        file_name="../../x/orders_1.ndjson",
        data_type="",
        total_bytes=None,
        sha256=None,
        priority=Priority.LOW,
    )
    assert upload.file_name == "orders_1.ndjson"
    with pytest.raises(InvalidFieldError, match="file_name"):
        await uploads.create(
            CALLER,
            file_name="orders\0.ndjson",
            data_type="orders",
            total_bytes=None,
            sha256=None,
            priority=Priority.LOW,
        )


async def test_other_tenants_see_nothing(uploads: Uploads) -> None:
    token = (await opened(uploads)).upload_id
    stranger = Principal("stranger", CALLER.scopes, None)
    for refused in (
        uploads.get(stranger, token),
        uploads.append(stranger, token, offset=0, sha256=None, body=stream(DATA)),
        uploads.complete(stranger, token, sha256=None),
        uploads.resume(stranger, token),
        uploads.abort(stranger, token),
    ):
        with pytest.raises(NotFoundError, match="not found"):
            await refused


class TestSmallLimit:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return Config(
            data_dir=config.data_dir,
            database_url=config.database_url,
            parsers=1,
            max_upload_bytes=1000,
        )

    async def test_too_large_is_refused_before_and_while_it_arrives(self, uploads: Uploads) -> None:
        with pytest.raises(TooLargeError, match="1000 bytes"):
            await opened(uploads, 1001)
        token = (await opened(uploads)).upload_id
        with pytest.raises(TooLargeError):
            await appended(uploads, token, b"x" * 1001)
