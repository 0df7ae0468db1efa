"""kill -9 while bytes arrive: what was acknowledged is there, and the rest is sent again."""

import asyncio
from pathlib import Path

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from headrace.v1.ingestion_service_pb2 import AppendUploadRequest, CreateUploadSessionRequest
from headrace.v1.ingestion_service_pb2_grpc import IngestionServiceStub

from headrace_client import Client

from .accounts import all_ended, check_counts, table
from .fleet import Fleet, eventually
from .loads import chance_of, start_all
from .shipment import Shipper

_BLOCK = 1 << 16


def messages(token: str, offset: int, data: bytes) -> list[AppendUploadRequest]:
    parts = [data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)]
    found = [AppendUploadRequest(body=HttpBody(data=part)) for part in parts]
    found[0].token, found[0].offset = token, offset
    return found


async def acknowledged(client: Client, token: str, offset: int, data: bytes) -> int:
    """Append bytes; returns the offset that the server acknowledges."""
    answer = await IngestionServiceStub(client.channel).AppendUpload(
        iter(messages(token, offset, data))
    )
    return int(answer.offset)


async def test_an_upload_survives_the_death_of_its_server(
    fleet: Fleet, tmp_path: Path, seed: int
) -> None:
    chance = chance_of(seed)
    file = Shipper(tmp_path / "files", seed).ship_customers(5000)
    data = file.path.read_bytes()
    safe = chance.randint(1, len(data) // 3)
    sent = chance.randint(safe + 1, len(data) - 1)
    await start_all([fleet.server])
    async with fleet.client() as client:
        stub = IngestionServiceStub(client.channel)
        request = CreateUploadSessionRequest(file_name=file.path.name, total_bytes=len(data))
        token = (await stub.CreateUploadSession(request)).upload_token
        assert await acknowledged(client, token, 0, data[:safe]) == safe
        call = stub.AppendUpload()
        for message in messages(token, safe, data[safe:sent]):
            await call.write(message)
        await asyncio.sleep(chance.uniform(0, 0.05))
        fleet.server.kill()
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await call
        await start_all([fleet.server])
        assert safe <= (await client.get_upload(token)).offset <= sent
        # Completion compares the checksum of the file with that of the bytes that arrived.
        upload = await client.upload(file.path, resume_token=token)
        await all_ended(client, [upload.request_id or ""])
        await check_counts(client, file, upload.request_id or "")
    assert await table(fleet, "customers") == file.rows


async def test_an_upload_under_way_waits_for_its_server(
    fleet: Fleet, tmp_path: Path, seed: int
) -> None:
    chance = chance_of(seed)
    file = Shipper(tmp_path / "files", seed).ship_customers(40_000)
    size = file.path.stat().st_size
    share = chance.uniform(0.1, 0.9)
    progress = [0]
    await start_all([fleet.server])
    async with fleet.client() as client:

        def note(sent: int, _total: int) -> None:
            progress.append(sent)

        upload = asyncio.create_task(client.upload(file.path, on_progress=note, complete=False))
        await eventually(lambda: progress[-1] >= share * size, "bytes on their way", every=0)
        fleet.server.kill()
        await start_all([fleet.server])
        done = await upload
        # Raises unless the bytes on the server's disk have this checksum.
        await client.complete_upload(done.upload_token, done.sha256, size)
