import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion
from rich.console import Console

from headrace_client import Client
from headrace_client.bulk.journal import Journal
from headrace_client.bulk.plan import Plan, make_plan
from headrace_client.bulk.run import BulkIngestion, Outcome
from headrace_client.progress import IngestionProgress

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

NAMES = ("order_items_1", "orders_1", "orders_2", "products_1", "customers_1", "customers_2")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.ndjson").write_text(f'{{"name": "{name}"}}\n' * 5)
    return folder


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal") as journal:
        yield journal


async def load(server: "FakeServer", data_dir: Path, journal: Journal) -> list[Outcome]:
    async with Client(server.address, patience=0) as client:
        contracts = [contract async for contract in client.list_contracts()]
        plan: Plan = make_plan(data_dir, contracts, None)
        with IngestionProgress(Console(file=io.StringIO())) as progress:
            return await BulkIngestion(client, plan, journal, progress, parallel=2).run()


async def test_children_are_completed_after_their_parents(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal
) -> None:
    outcomes = await load(server, data_dir, journal)
    assert [o.ingestion and o.ingestion.status for o in outcomes] == [Ingestion.COMPLETED] * 6
    position = {name: number for number, (name, _) in enumerate(state.loads)}
    parents = {"orders": ("customers",), "order_items": ("customers", "products", "orders")}
    for name, place in position.items():
        data_type = name.rpartition("_")[0]
        for parent in parents.get(data_type, ()):
            above = [n for n in position if n.startswith(parent + "_")]
            assert all(position[other] < place for other in above)


async def test_no_file_waits_for_the_end_of_another(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal
) -> None:
    state.running.clear()
    task = asyncio.create_task(load(server, data_dir, journal))
    await asyncio.to_thread(state.wait_until, lambda: len(state.loads) == len(NAMES))
    state.running.set()
    assert len(await task) == 6


async def test_a_second_run_loads_nothing_twice(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal
) -> None:
    first = await load(server, data_dir, journal)
    second = await load(server, data_dir, journal)
    assert len(state.loads) == 6
    assert [o.ingestion for o in second] == [o.ingestion for o in first]
    assert all(outcome.earlier for outcome in second)


async def test_a_lost_answer_of_the_completion_loads_nothing_twice(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal
) -> None:
    await load(server, data_dir, journal)
    for key, entry in list(journal._entries.items()):
        journal._entries[key] = type(entry)(entry.idempotency_key)
    again = await load(server, data_dir, journal)
    assert len(state.loads) == 6
    assert all(outcome.ingestion for outcome in again)


async def test_a_failed_ingestion_runs_again(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal
) -> None:
    state.outcome = Ingestion.FAILED
    first = await load(server, data_dir, journal)
    assert {o.ingestion and o.ingestion.status for o in first} == {Ingestion.FAILED}
    second = await load(server, data_dir, journal)
    assert {o.ingestion and o.ingestion.status for o in second} == {Ingestion.COMPLETED}
    assert state.count("RetryIngestion") == 6


async def test_a_server_that_began_anew_gets_everything_again(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal
) -> None:
    await load(server, data_dir, journal)
    state.ingestions.clear()
    state.sessions.clear()
    state.answers.clear()
    state.loads.clear()
    await load(server, data_dir, journal)
    assert len(state.loads) == 6


async def test_an_expired_session_begins_anew(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal
) -> None:
    state.unavailable["AppendUpload"] = 6
    assert all(outcome.error for outcome in await load(server, data_dir, journal))
    state.sessions.clear()  # the stored answers of their creation still name them
    outcomes = await load(server, data_dir, journal)
    assert all(outcome.ingestion for outcome in outcomes)
    assert len(state.loads) == 6


async def test_a_file_that_fails_stops_no_other(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal
) -> None:
    state.unavailable["AppendUpload"] = 1
    outcomes = await load(server, data_dir, journal)
    assert sum(bool(outcome.error) for outcome in outcomes) == 1
    again = await load(server, data_dir, journal)
    assert not any(outcome.error for outcome in again)
    assert len(state.loads) == 6


async def test_rows_released_since_are_counted_at_the_end(
    server: "FakeServer", state: "State", data_dir: Path, journal: Journal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    async def ended_parked(client: Client, request_id: str, row: object) -> Ingestion:
        if state.loads[-1][0].startswith("order_items"):
            await asyncio.to_thread(state.wait_until, lambda: state.ingestions[request_id].terminal)
            del state.ingestions[request_id]
        status = Ingestion.COMPLETED_WITH_ERRORS
        return Ingestion(request_id=request_id, status=status, rows_parked=5)

    monkeypatch.setattr("headrace_client.bulk.run.follow", ended_parked)
    outcomes = await load(server, data_dir, journal)
    assert [o.ingestion and o.ingestion.rows_parked for o in outcomes] == [0] * 5 + [5]
