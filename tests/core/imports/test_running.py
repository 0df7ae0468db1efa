"""Imports from the file to the table, on each engine."""

import json
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.core.imports.accepting import IMPORT_FILE
from headrace_server.model.errors import StaleAttemptError, StorageUnavailableError
from headrace_server.model.file_import import ImportMode, NewColumns, NewImport, TypeChanges
from headrace_server.model.ingestion import Status
from headrace_server.model.page import PageRequest

from .conftest import CALLER, Import, Rows, Work

PEOPLE = "id,name,born\n1,Ada,1815-12-10\n2,Bo,\n"
PAGE = PageRequest()


async def test_a_csv_becomes_a_table(imported: Import, rows: Rows) -> None:
    done = await imported("people_2024.csv", PEOPLE)
    assert (done.ingestion.status, done.ingestion.rows_loaded) == (Status.COMPLETED, 2)
    assert done.target_table == "raw.people_2024"
    assert done.detected_format == "csv"
    assert dict(done.inferred_schema) == {"id": "BIGINT", "name": "VARCHAR(255)", "born": "DATE"}
    assert await rows("raw.people_2024") == [("1", "Ada", "1815-12-10"), ("2", "Bo", None)]


async def test_a_quote_may_be_said_to_escape_itself(imported: Import, rows: Rows) -> None:
    data = 'id,name\n"1","a""""b, ""c"""\n'
    done = await imported("a.csv", data, "raw.t", quote='"', escape='"')
    assert (done.ingestion.status, done.ingestion.rows_loaded) == (Status.COMPLETED, 1)
    assert await rows("raw.t") == [("1", 'a""b, "c"')]


async def test_appending_keeps_what_is_there(imported: Import, rows: Rows) -> None:
    for _ in range(2):
        await imported("people.csv", PEOPLE, "raw.people")
    assert len(await rows("raw.people")) == 4


async def test_replacing_takes_the_place_of_what_is_there(imported: Import, rows: Rows) -> None:
    await imported("people.csv", PEOPLE, "raw.people")
    await imported("new.csv", "id,name,born\n3,Cy,\n", "raw.people", mode=ImportMode.REPLACE)
    assert await rows("raw.people") == [("3", "Cy", None)]


async def test_a_file_without_a_good_row_replaces_nothing(imported: Import, rows: Rows) -> None:
    await imported("people.csv", PEOPLE, "raw.people")
    bad = await imported(
        "bad.csv",
        "id,name,born\nx,Cy,\n",
        "raw.people",
        mode=ImportMode.REPLACE,
        type_changes=TypeChanges.REJECT_ROW,
    )
    assert bad.ingestion.status is Status.FAILED
    assert len(await rows("raw.people")) == 2


async def test_upserting_goes_by_the_key(imported: Import, rows: Rows) -> None:
    await imported("people.csv", PEOPLE, "raw.people", key_columns=("id",))
    await imported("more.csv", "id,name,born\n2,Bea,\n3,Cy,\n", "raw.people")
    assert await rows("raw.people") == [
        ("1", "Ada", "1815-12-10"),
        ("2", "Bea", None),
        ("3", "Cy", None),
    ]


async def test_of_rows_with_one_key_the_last_counts(imported: Import, rows: Rows) -> None:
    """Chunks whose rows are well as they are lie among those with keys that are there or none."""
    lines = [f"{number},{'x' * 100}" for number in range(300)]
    lines[150:150] = ["7,again", ",none"]
    lines += ["299,last", "8,last"]
    done = await imported("a.csv", "\n".join(["id,name", *lines]), "raw.t", key_columns=("id",))
    found = done.ingestion
    assert (found.status, found.rows_rejected) == (Status.COMPLETED_WITH_ERRORS, 1)
    names: dict[str, str] = dict(await rows("raw.t"))
    assert len(names) == 300
    assert (names["7"], names["8"], names["299"]) == ("again", "last", "last")
    assert found.rows_loaded == 303


async def test_what_comes_after_the_sample_widens_the_column(imported: Import, rows: Rows) -> None:
    lines = "".join(f"{n}\n" for n in range(5_000)) + "007\n"
    done = await imported("codes.csv", "code\n" + lines, "raw.codes", sample_bytes=1024)
    assert done.ingestion.status is Status.COMPLETED
    assert done.inferred_schema["code"].startswith(("VARCHAR", "TEXT"))
    assert ("007",) in await rows("raw.codes")


async def test_rejects_are_replayed_as_they_are_or_corrected(
    core: Core, imported: Import, rows: Rows, work: Work
) -> None:
    done = await imported("people.csv", PEOPLE + "3,Cy\n", "raw.people")
    import_id = done.ingestion.request_id
    _, page = await core.services.rejects.list(
        CALLER, import_id, rejected=True, parked=True, page=PAGE
    )
    (reject,) = page.items
    await core.services.rejects.replay(
        CALLER, import_id, {reject.reject_id: "3,Cy,1999-01-01"}, only_corrections=True
    )
    await work()
    again = await core.services.imports.get(CALLER, import_id)
    assert (again.ingestion.status, again.ingestion.rows_loaded) == (Status.COMPLETED, 3)
    assert ("3", "Cy", "1999-01-01") in await rows("raw.people")


async def test_a_new_column_is_added(imported: Import, rows: Rows) -> None:
    await imported("a.csv", "id\n1\n", "raw.t")
    await imported("b.csv", "id,town\n2,Ulm\n", "raw.t")
    assert await rows("raw.t") == [("1", None), ("2", "Ulm")]


async def test_a_new_column_is_rescued(imported: Import, rows: Rows) -> None:
    await imported("a.csv", "id\n1\n", "raw.t")
    await imported("b.csv", "id,town\n2,Ulm\n", "raw.t", new_columns=NewColumns.RESCUE)
    ((_, first), (_, second)) = await rows("raw.t")
    assert (first, json.loads(second.replace("'", '"'))) == (None, {"town": "Ulm"})


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("1", "1.5", ["1", "1.5"]),
        ("1", "x", ["1", "x"]),
        ("2024-01-01", "soon", ["2024-01-01", "soon"]),
        ("1.5", "2024-01-01", ["1.5", "2024-01-01"]),
        ("true", "7", ["7", "true"]),
    ],
)
async def test_a_table_is_widened_by_a_later_file(
    imported: Import, rows: Rows, before: str, after: str, found: list[str]
) -> None:
    await imported("a.csv", f"v\n{before}\n", "raw.t")
    done = await imported("b.csv", f"v\n{after}\n", "raw.t")
    assert done.ingestion.status is Status.COMPLETED, done.ingestion.details
    assert await rows("raw.t") == [(value,) for value in found]


@pytest.mark.usefixtures("chunk_by_chunk")
async def test_what_died_after_a_chunk_goes_on_with_the_same_bytes(
    core: Core, inbox: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    lines = "".join(f"{n},{'x' * 100}\n" for n in range(500))
    (inbox / "big.csv").write_text("n,text\n" + lines)
    begun = await core.services.imports.start(CALLER, NewImport("/in/big.csv", "raw.big"))
    merged = core.imports._records.merged
    calls = 0

    async def die_at_the_second(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RuntimeError("killed")
        await merged(*given)

    monkeypatch.setattr(core.imports._records, "merged", die_at_the_second)
    (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
    with pytest.raises(RuntimeError):
        await core.imports.run(job)
    await core.jobs.hand_back(job.job_id, job.attempt)
    # Whatever becomes of the file meanwhile: its copy is what is loaded.
    (inbox / "big.csv").write_text("n,text\n1,other\n")
    await work()
    done = await core.services.imports.get(CALLER, begun.ingestion.request_id)
    assert (done.ingestion.status, done.ingestion.rows_loaded) == (Status.COMPLETED, 500)
    async with core.warehouses.use("default") as warehouse:
        table = await warehouse.describe_table("raw", "big")
    assert table.rows == 500


@pytest.mark.usefixtures("chunk_by_chunk")
async def test_a_changed_file_does_not_go_on_where_another_was_begun(
    core: Core, inbox: Path, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    lines = "".join(f"{n},{'x' * 100}\n" for n in range(500))
    (inbox / "big.csv").write_text("n,text\n" + lines)
    begun = await core.services.imports.start(CALLER, NewImport("/in/big.csv", "raw.big"))
    import_id = begun.ingestion.request_id

    async def die(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(core.imports._records, "merged", die)
        (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
        with pytest.raises(RuntimeError):
            await core.imports.run(job)
    await core.jobs.hand_back(job.job_id, job.attempt)
    core.imports._sources.drop(import_id)
    (inbox / "big.csv").write_text("n,text\n1,other\n")
    await work()
    done = await core.services.imports.get(CALLER, import_id)
    assert done.ingestion.status is Status.FAILED
    assert "was changed after a part of it had been loaded" in (done.ingestion.details or "")


async def test_a_failed_import_is_retried_with_the_file_as_it_is_then(
    core: Core, imported: Import, inbox: Path, rows: Rows, work: Work
) -> None:
    done = await imported("a.csv", "id\n1\n", "raw.t", data_types={"town": "TEXT"})
    assert done.ingestion.status is Status.FAILED
    (inbox / "a.csv").write_text("id,town\n1,Ulm\n")
    await core.services.ingestions.retry(CALLER, done.ingestion.request_id)
    await work()
    again = await core.services.imports.get(CALLER, done.ingestion.request_id)
    assert again.ingestion.status is Status.COMPLETED
    assert await rows("raw.t") == [("1", "Ulm")]


async def test_a_cancelled_import_ends(core: Core, inbox: Path, work: Work) -> None:
    (inbox / "a.csv").write_text(PEOPLE)
    begun = await core.services.imports.start(CALLER, NewImport("/in/a.csv"))
    await core.services.ingestions.cancel(CALLER, begun.ingestion.request_id)
    await work()
    done = await core.services.imports.get(CALLER, begun.ingestion.request_id)
    assert done.ingestion.status is Status.CANCELLED


CUSTOMER = "2dadea68-e328-4c96-844a-ba06ed89f6be"


async def test_a_file_goes_into_the_contract_that_fits_its_name(
    imported: Import, rows: Rows
) -> None:
    done = await imported(
        "customers_2024.csv",
        f"customer_id,name,email,created_at\n{CUSTOMER},Ada,,2024-01-01T00:00:00Z\n",
    )
    assert (done.target_table, done.ingestion.status) == ("customers", Status.COMPLETED)
    assert [row[:2] for row in await rows("customers")] == [(CUSTOMER, "Ada")]


async def test_rows_of_a_contract_wait_for_their_parents(imported: Import) -> None:
    done = await imported(
        "orders.csv",
        "order_id,external_order_id,customer_id,total_amount,currency,order_status,order_date,created_at\n"
        f"{CUSTOMER},7,{CUSTOMER},1.50,GBP,done,2024-01-01T00:00:00Z,2024-01-01T00:00:00Z\n",
    )
    found = done.ingestion
    assert (found.status, found.rows_parked) == (Status.COMPLETED_WITH_ERRORS, 1), found.details


async def test_a_day_that_no_month_has_is_rejected(imported: Import, rows: Rows) -> None:
    done = await imported(
        "a.csv",
        "day\n2024-02-28\n2024-02-30\n",
        "raw.t",
        data_types={"day": "DATE"},
    )
    assert (done.ingestion.rows_loaded, done.ingestion.rows_rejected) == (1, 1)
    assert await rows("raw.t") == [("2024-02-28",)]


async def test_an_imported_table_is_a_dataset(core: Core, imported: Import) -> None:
    await imported("people.csv", PEOPLE, "raw.people")
    assert await core.services.observer.observe_next()
    found = await core.services.datasets.get(CALLER, "raw.people")
    assert found.declaration.full_name == "raw.people"
    assert found.observation is not None


@pytest.mark.usefixtures("chunk_by_chunk")
@pytest.mark.parametrize("error", [StaleAttemptError("cancelled"), StorageUnavailableError("full")])
async def test_what_an_import_left_is_observed(
    core: Core, inbox: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    (inbox / "people.csv").write_text(PEOPLE)
    await core.services.imports.start(CALLER, NewImport("/in/people.csv", "raw.people"))
    (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)

    async def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(core.imports._records, "merged", fail)
    with pytest.raises(type(error)):
        await core.imports.run(job)
    assert await core.services.observer.observe_next()
    found = await core.services.datasets.get(CALLER, "raw.people")
    assert found.observation is not None
    assert found.observation.profile.rows == 2
