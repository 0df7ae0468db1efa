"""A full disk: a clear error, nothing acknowledged that is not there, and on it goes after."""

import hashlib
import resource
from collections.abc import Iterable
from pathlib import Path

import psutil
import pytest
from google.api.httpbody_pb2 import HttpBody
from headrace.v1.ingestion_service_pb2 import AppendUploadRequest, CreateUploadSessionRequest
from headrace.v1.ingestion_service_pb2_grpc import IngestionServiceStub

from headrace_client import Client, HeadraceError

from .accounts import all_ended, check, check_counts, control, ingestions, table
from .fleet import Fleet, eventually
from .loads import reach, send, start_all
from .shipment import File, Shipper


def fill(processes: Iterable[psutil.Process]) -> None:
    """Let every write of the processes to a file fail, as on a full disk."""
    _limit(processes, 0)


def make_room(processes: Iterable[psutil.Process]) -> None:
    """Let them write again."""
    _limit(processes, resource.RLIM_INFINITY)


def _limit(processes: Iterable[psutil.Process], size: int) -> None:
    for process in processes:
        process.rlimit(psutil.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def test_an_upload_waits_for_room(fleet: Fleet, tmp_path: Path) -> None:
    file = Shipper(tmp_path / "files", 5).ship_customers(2000)
    half = len(data := file.path.read_bytes()) // 2
    await start_all([fleet.server])
    server = [psutil.Process(fleet.server.pid)]
    async with fleet.client() as client, Client(fleet.address, patience=0) as hasty:
        whole, part = await session(client, file), await session(client, file)
        for start in (0, half):
            await append(client, whole, start, data[start : start + half])
        await append(client, whole, 2 * half, data[2 * half :])
        await append(client, part, 0, data[:half])
        fill(server)
        with pytest.raises(HeadraceError) as at_append:
            await append(client, part, half, data[half:])
        with pytest.raises(HeadraceError) as at_completion:
            await hasty.complete_upload(whole)
        for raised in (at_append, at_completion):
            assert raised.value.reason == "STORAGE_UNAVAILABLE"
        assert (await client.get_upload(part)).offset == half
        assert (await client.get_upload(whole)).offset == len(data)
        make_room(server)
        completed = await client.complete_upload(whole, hashlib.sha256(data).hexdigest())
        upload = await client.upload(file.path, resume_token=part)
        # Both: the file has keys twice, and either load may bring the earlier row last for a while.
        await all_ended(client, [completed.request_id, upload.request_id or ""])
        await check_counts(client, file, upload.request_id or "")
        assert await table(fleet, "customers") == file.rows


async def session(client: Client, file: File) -> str:
    """Open an upload session; returns its token."""
    request = CreateUploadSessionRequest(
        file_name=file.path.name, total_bytes=file.path.stat().st_size
    )
    answer = await client.mutate(
        IngestionServiceStub(client.channel).CreateUploadSession, request, None
    )
    return str(answer.upload_token)


async def append(client: Client, token: str, offset: int, data: bytes) -> None:
    """Append bytes in one message. Raises HeadraceError."""
    message = AppendUploadRequest(token=token, offset=offset, body=HttpBody(data=data))
    metadata = client.metadata()
    with client.translated(metadata):
        answer = await IngestionServiceStub(client.channel).AppendUpload(
            iter([message]), metadata=metadata
        )
    assert answer.offset == offset + len(data)


async def test_a_load_waits_for_room_to_stage(fleet: Fleet, tmp_path: Path) -> None:
    files = Shipper(tmp_path / "files", 6).ship()
    await start_all([fleet.server])
    async with fleet.client() as client:
        request_ids = await send(client, files)
        assert await reach(client, request_ids, 0.2)
        parsers = fleet.server.children()
        fill(parsers)

        async def complaint() -> bool:
            found = await ingestions(client, request_ids)
            return any("the disk cannot take more now: staging rows" in i.details for i in found)

        await eventually(complaint, "word of the full disk")
        make_room(parsers)
        await all_ended(client, request_ids)
        await check(fleet, client, files, request_ids)
    jobs = await control(fleet, "SELECT status, failures FROM jobs")
    assert {job["status"] for job in jobs} == {"COMPLETED"}
    assert max(job["failures"] for job in jobs) > 0
