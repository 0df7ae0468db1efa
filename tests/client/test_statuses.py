from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion

from headrace_client import AccessDeniedError, Client, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.ndjson"
    path.write_text('{"order_id": 1}\n' * 10)
    return path


async def test_a_watch_ends_after_the_terminal_message(server: "FakeServer", file: Path) -> None:
    async with Client(server.address) as client:
        upload = await client.upload(file)
        assert upload.request_id
        seen = [ingestion async for ingestion in client.watch(upload.request_id)]
    revisions = [ingestion.revision for ingestion in seen]
    assert revisions == sorted(set(revisions))
    assert [ingestion.terminal for ingestion in seen][-1]
    assert seen[-1].status == Ingestion.COMPLETED
    assert seen[-1].rows_loaded == 10


async def test_a_cut_watch_resumes_without_gap_or_repeat(
    server: "FakeServer", state: "State", file: Path
) -> None:
    state.running.clear()
    state.watch_cuts = [1, 0, 0]
    async with Client(server.address) as client:
        upload = await client.upload(file)
        assert upload.request_id
        revisions: list[int] = []
        async for ingestion in client.watch(upload.request_id):
            revisions.append(ingestion.revision)
            state.running.set()
    assert revisions == sorted(set(revisions))
    assert revisions[-1] == state.ingestions[upload.request_id].revision
    assert state.count("WatchStatus") == 4


async def test_a_watch_survives_a_restart(server: "FakeServer", state: "State", file: Path) -> None:
    state.running.clear()
    async with Client(server.address) as client:
        upload = await client.upload(file)
        assert upload.request_id
        revisions: list[int] = []
        async for ingestion in client.watch(upload.request_id):
            if not revisions:
                server.stop()
                server.start()
                state.running.set()
            revisions.append(ingestion.revision)
    assert revisions == sorted(set(revisions))


async def test_silence_counts_as_a_cut(
    server: "FakeServer", state: "State", file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_client.watching._SILENCE", 0.05)
    state.running.clear()
    async with Client(server.address) as client:
        upload = await client.upload(file)
        assert upload.request_id
        async for _ in client.watch(upload.request_id):
            if state.count("WatchStatus") == 1:
                first = client.watch(upload.request_id, after_revision=1)
                state.running.set()
                assert [i.terminal async for i in first][-1]
    assert state.ingestions[upload.request_id].terminal


async def test_a_watch_resumes_from_a_revision(server: "FakeServer", file: Path) -> None:
    async with Client(server.address) as client:
        upload = await client.upload(file)
        assert upload.request_id
        last = [i async for i in client.watch(upload.request_id)][-1]
        again = [i async for i in client.watch(upload.request_id, after_revision=last.revision)]
    assert again == [last]


async def test_a_watch_of_nothing_gives_up_at_once(server: "FakeServer", state: "State") -> None:
    async with Client(server.address) as client:
        with pytest.raises(NotFoundError):
            [i async for i in client.watch("nobody")]
        state.api_key = "right"
        with pytest.raises(AccessDeniedError):
            [i async for i in client.watch("nobody")]
    assert state.count("WatchStatus") == 2


async def test_a_watch_gives_up_when_patience_ends(server: "FakeServer") -> None:
    server.stop()
    async with Client(server.address, patience=0) as client:
        with pytest.raises(UnavailableError):
            [i async for i in client.watch("any")]
    server.start()


async def test_statuses_are_listed_and_read(
    server: "FakeServer", state: "State", file: Path
) -> None:
    async with Client(server.address) as client:
        ids = {(await client.upload(file)).request_id for _ in range(3)}
        assert {i.request_id async for i in client.list_statuses()} == ids
        assert [i async for i in client.list_statuses(status=Ingestion.CANCELLED)] == []
        one = min(state.ingestions)
        assert (await client.get_status(one)).request_id == one
        assert (await client.get_results(one)).files[0].data_type == "orders"
        assert [chunk.chunk async for chunk in client.list_chunks(one)] == [0, 1, 2, 3, 4]
        assert (await client.create_watch_token(one)).watch_token
        assert (await client.get_health()).status
