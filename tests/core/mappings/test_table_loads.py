import asyncio
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace_server.app import Core
from headrace_server.connectors.base import Call, ConnectorError, TemporaryError
from headrace_server.core.ingestion.parsing import Parsers, ParseTask
from headrace_server.core.mappings.accepting import RUN_MAPPINGS
from headrace_server.core.mappings.tables import TableConnector
from headrace_server.model.contract import Column, ColumnType, Contract, Reference, Table
from headrace_server.model.errors import (
    InvalidFieldError,
    StaleAttemptError,
    StorageUnavailableError,
)
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.mapping import Mapping, MappingStatus
from headrace_server.model.page import PageRequest
from headrace_server.model.warehouse import KeptRow

from .conftest import CALLER, Results, Submit, Work

TOWNS = Table(
    "towns",
    (Column("name", ColumnType.STRING), Column("people", ColumnType.INTEGER, nullable=True)),
    ("name",),
    (),
)
STREETS = Table(
    "streets",
    (
        Column("name", ColumnType.STRING),
        Column("town", ColumnType.STRING),
        Column("length", ColumnType.DECIMAL, nullable=True, precision=20, scale=6),
    ),
    ("name",),
    (Reference(("town",), "towns"),),
)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {"allowed_roots": str(tmp_path)}


@pytest.fixture
async def tables(core: Core, monkeypatch: pytest.MonkeyPatch) -> TableConnector:
    """The core's connector, in a tenant whose contract declares towns and their streets."""
    await core.services.contracts.register(CALLER, Contract("geography", (TOWNS, STREETS)))
    # Threads parse here, so that no test waits for processes; one test below has them.
    monkeypatch.setattr(core.mappings._loads, "_parsers", Parsers(lambda: ThreadPoolExecutor(1), 1))
    return TableConnector(core.loading._warehouses, core.mappings._loads)


def town(mapping_id: str = "m1", **record: Any) -> Mapping:
    return Mapping(mapping_id, "source", "table:towns", record or {"name": "Ulm"})


def street(mapping_id: str = "m1", **record: Any) -> Mapping:
    return Mapping(mapping_id, "source", "table:streets", {"name": "A", "town": "Ulm"} | record)


async def now(core: Core, ingestion: Ingestion) -> Ingestion:
    return await core.services.ingestions.get(CALLER, ingestion.request_id)


def rows(ingestion: Ingestion) -> tuple[int, int, int]:
    return ingestion.rows_loaded, ingestion.rows_rejected, ingestion.rows_parked


async def stored(tables: TableConnector, address: str = "table:towns") -> list[dict[str, Any]]:
    found = await tables.read(address, Call("default", "", "", 1))
    return sorted(found, key=lambda row: str(row["name"]))


async def kept(core: Core, ingestion: Ingestion) -> list[tuple[str, KeptRow]]:
    names, page = await core.services.rejects.list(
        CALLER, ingestion.request_id, rejected=True, parked=True, page=PageRequest(100, "")
    )
    return [(names[row.file_no], row) for row in page.items]


async def test_what_a_mapping_carries_becomes_rows(
    core: Core, tables: TableConnector, submit: Submit, work: Work, results: Results
) -> None:
    ingestion = await submit(0, town("a", name="Ulm", people=7), town("b", name="Bonn"))
    await work()
    ended = await now(core, ingestion)
    assert (ended.status, ended.details, rows(ended)) == (Status.COMPLETED, None, (2, 0, 0))
    assert [each.output for each in await results(ingestion.request_id)] == [
        {"rows_loaded": 1, "rows_rejected": 0, "rows_parked": 0}
    ] * 2
    assert await stored(tables) == [
        {"name": "Bonn", "people": None}, {"name": "Ulm", "people": 7}
    ]  # fmt: skip
    loads = core.mappings._loads._spool.root / "loads"
    assert not any(loads.iterdir())


async def test_tables_that_mappings_write_are_observed(
    core: Core, tables: TableConnector, submit: Submit, work: Work
) -> None:
    await submit(0, town("a", name="Ulm", people=7), town("b", name="Bonn"))
    await work()
    while await core.services.observer.observe_next():
        pass
    dataset = await core.services.datasets.get(CALLER, "public.towns")
    assert dataset.observation is not None
    assert dataset.observation.profile.rows == 2
    assert tables


async def test_a_file_is_carried_into_a_table_as_exactly_as_it_is(
    core: Core, tables: TableConnector, submit: Submit, work: Work, tmp_path: Path
) -> None:
    source = tmp_path / "streets.ndjson"
    numbers = ["12345678901234.567891", "0.1", "5", "1E+3"]
    lines = [f'{{"name":"{n}","town":"Ulm","length":{n}}}' for n in numbers]
    source.write_text("\n".join(lines))
    address = f"file://{source}"
    ingestion = await submit(0, town("a"), Mapping("b", address, "table:streets", {}))
    await work()
    assert rows(await now(core, ingestion)) == (5, 0, 0)
    found = await stored(tables, "table:streets")
    lengths = {row["name"]: float(row["length"]) for row in found}
    assert lengths == {number: float(number) for number in numbers}
    exact = next(str(row["length"]) for row in found if row["name"] == numbers[0])
    assert exact == numbers[0]


async def test_a_row_that_breaks_the_contract_is_kept_aside(
    core: Core, tables: TableConnector, submit: Submit, work: Work, results: Results, tmp_path: Path
) -> None:
    source = tmp_path / "towns.json"
    source.write_text('[{"name": "Ulm"}, {"name": null}, {"name": "Bonn", "people": 1.5}]')
    ingestion = await submit(0, Mapping("m1", f"file://{source}", "table:public.towns", {}))
    await work()
    ended = await now(core, ingestion)
    assert (ended.status, ended.details, rows(ended)) == (
        Status.COMPLETED_WITH_ERRORS, "2 rows are rejected", (1, 2, 0)
    )  # fmt: skip
    (result,) = await results(ingestion.request_id)
    assert result.output == {"rows_loaded": 1, "rows_rejected": 2, "rows_parked": 0}
    aside = await kept(core, ingestion)
    assert [(name, row.table, row.line, row.column) for name, row in aside] == [
        ("m1", "towns", 2, "name"), ("m1", "towns", 3, "people")
    ]  # fmt: skip


async def test_a_child_waits_for_its_parent(
    core: Core, tables: TableConnector, submit: Submit, work: Work, results: Results
) -> None:
    children = await submit(0, street())
    await work()
    ended = await now(core, children)
    assert (ended.status, ended.details, rows(ended)) == (
        Status.COMPLETED_WITH_ERRORS, "1 row waits for a parent", (0, 0, 1)
    )  # fmt: skip
    (result,) = await results(children.request_id)
    assert result.output == {"rows_loaded": 0, "rows_rejected": 0, "rows_parked": 1}
    ((name, row),) = await kept(core, children)
    assert (name, row.missing_table, row.missing_value) == ("m1", "towns", "Ulm")
    await submit(0, town())
    await work()
    released = await now(core, children)
    assert (released.status, released.details, rows(released)) == (
        Status.COMPLETED, None, (1, 0, 0)
    )  # fmt: skip
    assert (released.processed_units, released.failed_units) == (1, 0)
    assert len(await stored(tables, "table:streets")) == 1


async def test_within_a_request_the_order_does_not_matter(
    core: Core, tables: TableConnector, submit: Submit, work: Work
) -> None:
    streets = [street(f"s{n}", name=f"s{n}", town=f"t{n}") for n in range(20)]
    towns = [town(f"t{n}", name=f"t{n}") for n in range(20)]
    ingestion = await submit(0, *streets, *towns)
    await work()
    ended = await now(core, ingestion)
    assert (ended.status, rows(ended)) == (Status.COMPLETED, (40, 0, 0))
    assert len(await stored(tables, "table:streets")) == 20


async def test_a_retry_replaces_the_rejects_it_had(
    core: Core, tables: TableConnector, submit: Submit, work: Work, results: Results, tmp_path: Path
) -> None:
    source = tmp_path / "towns.ndjson"
    source.write_text('{"nam": "Ulm"}\n{"nam": "Bonn"}\n')
    ingestion = await submit(
        0, Mapping("m1", f"file://{source}", "table:towns", {}), town("m2", name="Kiel")
    )
    for _ in range(2):
        await work()
        ended = await now(core, ingestion)
        assert (ended.status, rows(ended), ended.failed_units) == (
            Status.COMPLETED_WITH_ERRORS, (1, 2, 0), 1
        )  # fmt: skip
        failed = (await results(ingestion.request_id))[0]
        assert failed.error == "table towns: all 2 rows were rejected; ListRejects says why"
        assert len(await kept(core, ingestion)) == 2
        await core.services.ingestions.retry(CALLER, ingestion.request_id)
    source.write_text('{"name": "Ulm"}\n{"nam": "Bonn"}\n{"name": "Hof"}\n')
    await work()
    ended = await now(core, ingestion)
    assert (ended.status, rows(ended), ended.failed_units) == (
        Status.COMPLETED_WITH_ERRORS, (3, 1, 0), 0
    )  # fmt: skip
    assert [row.raw for _, row in await kept(core, ingestion)] == ['{"nam":"Bonn"}']
    assert [row["name"] for row in await stored(tables)] == ["Hof", "Kiel", "Ulm"]


async def test_a_mapping_whose_answer_was_lost_is_not_loaded_again(
    core: Core,
    tables: TableConnector,
    submit: Submit,
    work: Work,
    results: Results,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ingestion = await submit(0, town())
    async with core.loading._warehouses.use("default") as warehouse:
        merge = warehouse.merge

        async def merge_and_fall_silent(*args: Any) -> None:
            await merge(*args)
            raise StorageUnavailableError("gone")

        monkeypatch.setattr(warehouse, "merge", merge_and_fall_silent)
        await work()
    (result,) = await results(ingestion.request_id)
    assert (result.status, result.attempts) == (MappingStatus.FAILED, 3)
    assert result.error == "the warehouse cannot take rows now"
    # What came since is not overwritten by a retry.
    monkeypatch.undo()
    await submit(0, town(name="Ulm", people=9))
    await work()
    await core.services.ingestions.retry(CALLER, ingestion.request_id)
    await work()
    ended = await now(core, ingestion)
    assert (ended.status, rows(ended)) == (Status.COMPLETED, (1, 0, 0))
    assert await stored(tables) == [{"name": "Ulm", "people": 9}]


async def test_a_mapping_carried_twice_is_loaded_once(core: Core, tables: TableConnector) -> None:
    call = Call("default", "r1", "m1", 1, position=4)
    first = await tables.write("table:towns", [{"name": "Ulm"}, {"x": 1}], call)
    assert await tables.write("table:towns", [{"name": "Ulm", "people": 3}], call) == first
    assert first == {"rows_loaded": 1, "rows_rejected": 1, "rows_parked": 0}
    both = [tables.write("table:towns", [{"name": "Bonn"}], Call("default", "r2", "m", 1))] * 1
    both += [tables.write("table:towns", [{"name": "Bonn"}], Call("default", "r2", "m", 1))]
    assert [each["rows_loaded"] for each in await asyncio.gather(*both)] == [1, 1]
    async with core.loading._warehouses.use("default") as warehouse:
        assert [tally.rows_loaded for tally in await warehouse.tally("r2")] == [1]
    assert await stored(tables) == [
        {"name": "Bonn", "people": None}, {"name": "Ulm", "people": None}
    ]  # fmt: skip


async def test_nothing_is_carried_where_there_are_no_records(tables: TableConnector) -> None:
    output = await tables.write("table:towns", [], Call("default", "r1", "m1", 1))
    assert output == {"rows_loaded": 0, "rows_rejected": 0, "rows_parked": 0}


async def test_an_attempt_that_was_overtaken_writes_nothing(
    core: Core, tables: TableConnector
) -> None:
    async with core.loading._warehouses.use("default") as warehouse:
        await warehouse.fence("r1", 2)
    with pytest.raises(StaleAttemptError):
        await tables.write("table:towns", [{"name": "Ulm"}], Call("default", "r1", "m1", 1))
    assert await stored(tables) == []


async def test_cancelling_counts_what_was_written(
    core: Core, tables: TableConnector, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestion = await submit(0, town("a"), town("b", name="Bonn"))
    (job,) = await core.jobs.claim("tests", [RUN_MAPPINGS], 1)
    merged = asyncio.Event()
    async with core.loading._warehouses.use("default") as warehouse:
        merge = warehouse.merge

        async def merge_one(chunk: Any, *args: Any) -> Any:
            if chunk.key.file_no:
                await asyncio.Event().wait()
            entry = await merge(chunk, *args)
            merged.set()
            return entry

        monkeypatch.setattr(warehouse, "merge", merge_one)
        running = asyncio.create_task(core.mappings.run(job))
        await merged.wait()
        cancelled = await core.services.ingestions.cancel(CALLER, ingestion.request_id)
        assert (cancelled.status, rows(cancelled)) == (Status.CANCELLED, (1, 0, 0))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        monkeypatch.undo()
    await core.services.ingestions.retry(CALLER, ingestion.request_id)
    for again in await core.jobs.claim("tests", [RUN_MAPPINGS], 1):
        await core.mappings.run(again)
    ended = await now(core, ingestion)
    assert (ended.status, rows(ended)) == (Status.COMPLETED, (2, 0, 0))


async def test_an_attempt_whose_request_was_cancelled_counts_and_ends(
    core: Core, tables: TableConnector, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestion = await submit(0, town())
    (job,) = await core.jobs.claim("tests", [RUN_MAPPINGS], 1)
    begin = core.mappings._loads.begin

    async def begin_late(*args: Any) -> None:
        await begin(*args)
        await core.services.ingestions.cancel(CALLER, ingestion.request_id)

    monkeypatch.setattr(core.mappings._loads, "begin", begin_late)
    with pytest.raises(StaleAttemptError):
        await core.mappings.run(job)
    ended = await now(core, ingestion)
    assert (ended.status, rows(ended)) == (Status.CANCELLED, (0, 0, 0))
    async with core.loading._warehouses.use("default") as warehouse:
        assert await warehouse.tally(ingestion.request_id) == []


@pytest.mark.parametrize("target", ["table:villages", "table:city.towns", "table:city.streets"])
async def test_a_table_that_no_contract_declares_is_refused_at_once(
    core: Core, tables: TableConnector, submit: Submit, target: str
) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        await submit(0, town("a"), Mapping("b", "source", target, {}))
    (violation,) = caught.value.violations
    assert violation.field == "mappings[1].target"
    assert violation.description.startswith("no contract declares the table")
    with pytest.raises(ConnectorError, match="no contract declares") as late:
        await tables.write(target, [{}], Call("default", "r1", "m1", 1))
    assert not isinstance(late.value, TemporaryError)


async def test_other_tenants_tables_are_not_there(core: Core, tables: TableConnector) -> None:
    with pytest.raises(ConnectorError, match="no contract declares"):
        await tables.write("table:towns", [{}], Call("other", "r1", "m1", 1))


async def test_a_table_is_carried_into_another(
    core: Core, tables: TableConnector, submit: Submit, work: Work
) -> None:
    await submit(0, *(town(f"t{n}", name=f"t{n}", people=n) for n in range(5)))
    await work()
    rules = {"name": {"from": "name"}, "town": {"from": "name"}, "length": {"from": "people"}}
    ingestion = await submit(0, Mapping("m", "table:towns", "table:streets", rules))
    await work()
    assert rows(await now(core, ingestion)) == (5, 0, 0)
    assert msgspec.json.encode(await stored(tables, "table:streets")).count(b'"t3"') == 2


async def test_a_killed_process_that_parses_is_made_up_for(
    core: Core, tables: TableConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsers = core.mappings._loads._parsers
    broken, run = [True], parsers._run

    async def run_or_break(function: Any, task: ParseTask) -> Any:
        if broken.pop():
            broken.append(False)
            raise BrokenProcessPool
        return await run(function, task)

    monkeypatch.setattr(parsers, "_run", run_or_break)
    output = await tables.write("table:towns", [{"name": "Ulm"}], Call("default", "r", "m", 1))
    assert output["rows_loaded"] == 1
