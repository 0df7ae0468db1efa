import asyncio
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace_client import (
    Client,
    FileChangedError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)
from headrace_client.hashing import HashedFile
from headrace_client.resumable import FileUpload

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

MIB = 1 << 20
CONTENT = b'{"order_id": 1}\n' * (5 * MIB // 16)


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    path = tmp_path / "orders_big.ndjson"
    path.write_bytes(CONTENT)
    return path


async def test_upload_starts_the_ingestion_of_identical_bytes(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    sent: list[int] = []
    async with Client(server.address) as client:
        upload = await client.upload(big_file, on_progress=lambda done, _: sent.append(done))
    assert state.content("orders_big.ndjson") == CONTENT
    assert upload.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert upload.request_id in state.ingestions
    assert sent[0] == 0
    assert sent[-1] == 5 * MIB


async def test_a_cut_goes_on_at_the_servers_offset(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    state.append_cuts = [MIB + 7, 1, 2 * MIB]
    async with Client(server.address) as client:
        await client.upload(big_file)
    assert state.content("orders_big.ndjson") == CONTENT
    assert state.count("AppendUpload") == 4


async def test_large_files_are_acknowledged_piece_by_piece(
    server: "FakeServer", state: "State", big_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_client.resumable._APPEND_BYTES", 2 * MIB)
    async with Client(server.address) as client:
        await client.upload(big_file)
    assert state.count("AppendUpload") == 3
    assert state.content("orders_big.ndjson") == CONTENT


async def test_a_restarted_server_is_waited_for(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    def restart_once(sent: int, _: int) -> None:
        if sent == 2 * MIB and not restarted:
            restarted.append(sent)
            server.stop()
            server.start()

    restarted: list[int] = []
    async with Client(server.address) as client:
        await client.upload(big_file, on_progress=restart_once)
    assert restarted
    assert state.content("orders_big.ndjson") == CONTENT


async def test_a_wrong_offset_is_corrected_by_the_answer(
    server: "FakeServer", state: "State", big_file: Path, tmp_path: Path
) -> None:
    async with Client(server.address) as client:
        first = await client.upload(big_file, complete=False)
        other = tmp_path / "orders_other.ndjson"
        await asyncio.to_thread(other.write_bytes, CONTENT + b"{}\n")
        session = await client.get_upload(first.upload_token)
        # The stored answer of the idempotent creation says 0; the session stands further.
        session.offset = 0
        file = HashedFile(other)
        upload = FileUpload(client, file, lambda *_: None)
        assert (await upload.send(session)).offset == 5 * MIB + 3
        file.close()
    assert bytes(state.files[first.upload_token]) == CONTENT + b"{}\n"


@pytest.mark.parametrize("by", ["key", "token"])
async def test_another_process_goes_on_where_the_first_ended(
    server: "FakeServer", state: "State", big_file: Path, by: str
) -> None:
    state.append_cuts = [3 * MIB + 5] + [0] * 50
    async with Client(server.address, patience=0) as client:
        with pytest.raises(UnavailableError):
            await client.upload(big_file, idempotency_key="k1")
    (token,) = state.sessions
    assert len(state.files[token]) == 3 * MIB + 5
    state.append_cuts.clear()
    async with Client(server.address) as client:
        again = await client.upload(
            big_file,
            idempotency_key="k1" if by == "key" else None,
            resume_token=token if by == "token" else None,
        )
    assert again.upload_token == token
    assert state.content("orders_big.ndjson") == CONTENT


async def test_a_completed_upload_is_found_and_not_loaded_twice(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    async with Client(server.address) as client:
        first = await client.upload(big_file, idempotency_key="k1")
        second = await client.upload(big_file, idempotency_key="k1")
    assert second == replace(first, earlier=True)
    assert len(state.ingestions) == 1


async def test_completion_is_asked_again_when_its_answer_is_lost(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    async with Client(server.address) as client:
        state.unavailable["CompleteUpload"] = 7
        await client.upload(big_file)
    assert len(state.ingestions) == 1
    # The channel tried five times, the library again.
    assert state.count("CompleteUpload") == 8


async def test_an_empty_file_completes(
    server: "FakeServer", state: "State", tmp_path: Path
) -> None:
    (tmp_path / "orders.ndjson").touch()
    async with Client(server.address) as client:
        await client.upload(tmp_path / "orders.ndjson")
    assert state.content("orders.ndjson") == b""
    assert state.count("AppendUpload") == 0


async def test_a_failed_upload_is_reopened(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    async with Client(server.address) as client:
        upload = await client.upload(big_file, complete=False)
        with pytest.raises(InvalidRequestError) as raised:
            await client.complete_upload(upload.upload_token, "0" * 64)
        assert raised.value.reason == "CHECKSUM_MISMATCH"
        again = await client.upload(big_file, resume_token=upload.upload_token)
    assert again.request_id


async def test_a_file_that_changes_is_not_completed(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    def touch(sent: int, _: int) -> None:
        if sent == MIB:
            os.utime(big_file, ns=(1, 1))

    async with Client(server.address) as client:
        with pytest.raises(FileChangedError, match="orders_big"):
            await client.upload(big_file, on_progress=touch)
    assert not state.ingestions


async def test_a_file_that_shrinks_is_noticed(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    def shrink(sent: int, _: int) -> None:
        if sent == MIB:
            os.truncate(big_file, 2 * MIB)

    async with Client(server.address) as client:
        with pytest.raises(FileChangedError):
            await client.upload(big_file, on_progress=shrink)


async def test_a_refused_session_says_the_field(server: "FakeServer", big_file: Path) -> None:
    async with Client(server.address) as client:
        with pytest.raises(InvalidRequestError) as raised:
            await client.upload(big_file, data_type="nonsense")
    assert raised.value.field_violations == (("data_type", "no such data type"),)


async def test_an_unknown_token_is_an_error(server: "FakeServer", big_file: Path) -> None:
    async with Client(server.address) as client:
        with pytest.raises(NotFoundError):
            await client.upload(big_file, resume_token="nobody")  # noqa: S106  # no secret


async def test_a_server_that_keeps_nothing_is_given_up(
    server: "FakeServer", state: "State", big_file: Path
) -> None:
    state.append_cuts = [0] * 100
    async with Client(server.address, patience=0) as client:
        with pytest.raises(UnavailableError):
            await client.upload(big_file)
    assert not state.ingestions


@pytest.mark.parametrize("method", ["ingest_file", "ingest_orders"])
async def test_one_stream_takes_a_file_in(
    server: "FakeServer", state: "State", big_file: Path, method: str
) -> None:
    sent: list[int] = []
    async with Client(server.address) as client:
        ingest = getattr(client, method)
        answer = await ingest(big_file, on_progress=lambda done, _: sent.append(done))
    assert answer.bytes_received == 5 * MIB
    assert sent[-1] == 5 * MIB
    assert state.loads[0][0] == "orders_big.ndjson"


async def test_a_checksum_covers_what_was_not_read(big_file: Path) -> None:
    file = HashedFile(big_file)
    assert await file.read(3 * MIB) == CONTENT[3 * MIB : 4 * MIB]
    assert await file.read(2 * MIB) == CONTENT[2 * MIB : 3 * MIB]
    assert await file.sha256() == hashlib.sha256(CONTENT).hexdigest()
    file.close()
