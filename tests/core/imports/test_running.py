"""Imports from the file to the table, on each engine."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.core.imports.accepting import IMPORT_FILE
from headrace_server.model.errors import InvalidFieldError, NotFoundError
from headrace_server.model.file_import import ImportMode, NewColumns, NewImport, TypeChanges
from headrace_server.model.ingestion import Status
from headrace_server.model.page import PageRequest

from .conftest import CALLER, OTHER, Import, Rows, Work

PEOPLE = "id,name,born\n1,Ada,1815-12-10\n2,Bo,\n"
PAGE = PageRequest()


async def test_a_csv_becomes_a_table(imported: Import, rows: Rows) -> None:
    done = await imported("people_2024.csv", PEOPLE)
    assert (done.ingestion.status, done.ingestion.rows_loaded) == (Status.COMPLETED, 2)
    assert done.target_table == "raw.people_2024"
    assert done.detected_format == "csv"
    assert dict(done.inferred_schema) == {"id": "BIGINT", "name": "VARCHAR(255)", "born": "DATE"}
    assert await rows("raw.people_2024") == [("1", "Ada", "1815-12-10"), ("2", "Bo", None)]


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


async def test_rows_without_a_key_are_rejected(core: Core, imported: Import) -> None:
    done = await imported("people.csv", "id,name\n1,Ada\n,Bo\n", "raw.p", key_columns=("id",))
    assert done.ingestion.status is Status.COMPLETED_WITH_ERRORS
    _, page = await core.services.rejects.list(
        CALLER, done.ingestion.request_id, rejected=True, parked=True, page=PAGE
    )
    assert [(row.line, row.column, row.raw) for row in page.items] == [(3, "id", ",Bo")]


async def test_what_comes_after_the_sample_widens_the_column(imported: Import, rows: Rows) -> None:
    lines = "".join(f"{n}\n" for n in range(5_000)) + "007\n"
    done = await imported("codes.csv", "code\n" + lines, "raw.codes", sample_bytes=1024)
    assert done.ingestion.status is Status.COMPLETED
    assert done.inferred_schema["code"].startswith(("VARCHAR", "TEXT"))
    assert ("007",) in await rows("raw.codes")


async def test_what_comes_after_the_sample_is_rejected_where_that_is_said(
    core: Core, imported: Import
) -> None:
    lines = "".join(f"{n}\n" for n in range(1_000)) + "007\n"
    done = await imported(
        "codes.csv",
        "code\n" + lines,
        "raw.codes",
        sample_bytes=1024,
        type_changes=TypeChanges.REJECT_ROW,
    )
    assert done.ingestion.status is Status.COMPLETED_WITH_ERRORS
    assert (done.ingestion.rows_loaded, done.ingestion.rows_rejected) == (1_000, 1)
    _, page = await core.services.rejects.list(
        CALLER, done.ingestion.request_id, rejected=True, parked=True, page=PAGE
    )
    assert [(row.line, row.column, row.raw) for row in page.items] == [(1_002, "code", "007")]


async def test_a_row_of_another_width_is_rejected(core: Core, imported: Import) -> None:
    done = await imported("people.csv", PEOPLE + "3,Cy\n4,Di,2000-01-01,x\n", "raw.people")
    assert (done.ingestion.rows_loaded, done.ingestion.rows_rejected) == (2, 2)
    _, page = await core.services.rejects.list(
        CALLER, done.ingestion.request_id, rejected=True, parked=True, page=PAGE
    )
    assert [(row.line, row.reason.value) for row in page.items] == [
        (4, "WRONG_FIELD_COUNT"),
        (5, "WRONG_FIELD_COUNT"),
    ]


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


async def test_a_new_column_is_refused(imported: Import, rows: Rows) -> None:
    await imported("a.csv", "id\n1\n", "raw.t")
    done = await imported("b.csv", "id,town\n2,Ulm\n", "raw.t", new_columns=NewColumns.REJECT)
    assert done.ingestion.status is Status.FAILED
    assert "town" in (done.ingestion.details or "")
    assert await rows("raw.t") == [("1",)]


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


async def test_types_that_are_given_are_kept(core: Core, imported: Import, rows: Rows) -> None:
    done = await imported(
        "a.csv", "Customer ID,n\n1,2\n,3\n", "raw.t", data_types={"Customer ID": "VARCHAR(50)"}
    )
    assert dict(done.inferred_schema) == {"customer_id": "VARCHAR(50)", "n": "BIGINT"}
    long = await imported(
        "b.csv",
        f"customer_id,n\n{'x' * 51},2\n",
        "raw.u",
        data_types={"customer_id": "VARCHAR(50)"},
    )
    assert long.ingestion.rows_rejected == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"data_types": {"nowhere": "TEXT"}}, "nowhere"),
        ({"data_types": {"id": "BLOB"}}, "BLOB"),
        ({"key_columns": ("nowhere",)}, "nowhere"),
        ({"mode": ImportMode.UPSERT}, "key"),
        ({"encoding": "utf-8", "delimiter": ",", "sheet": "x", "format": "xlsx"}, "workbook"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    imported: Import, options: dict[str, Any], word: str
) -> None:
    done = await imported("people.csv", PEOPLE, "raw.t", **options)
    assert done.ingestion.status is Status.FAILED
    assert word in (done.ingestion.details or "")


async def test_options_that_contradict_each_other_are_refused_at_once(imported: Import) -> None:
    with pytest.raises(InvalidFieldError, match="key_columns"):
        await imported("p.csv", PEOPLE, "raw.t", mode=ImportMode.APPEND, key_columns=("id",))


async def test_a_file_that_is_not_there_is_refused_at_once(imported: Import) -> None:
    with pytest.raises(NotFoundError):
        await imported("nowhere.csv", None)


async def test_a_path_below_no_mount_is_refused_at_once(core: Core) -> None:
    with pytest.raises(NotFoundError, match="mount"):
        await core.services.imports.start(CALLER, NewImport("/elsewhere/a.csv"))


async def test_a_file_of_another_tenant_is_not_there(core: Core, imported: Import) -> None:
    done = await imported("people.csv", PEOPLE)
    with pytest.raises(NotFoundError):
        await core.services.imports.get(OTHER, done.ingestion.request_id)
    with pytest.raises(NotFoundError, match="mount"):
        await core.services.imports.start(OTHER, NewImport("/in/people.csv"))


async def test_a_file_that_vanishes_before_its_import_ends_in_words(
    core: Core, inbox: Path, work: Work
) -> None:
    (inbox / "a.csv").write_text(PEOPLE)
    begun = await core.services.imports.start(CALLER, NewImport("/in/a.csv"))
    (inbox / "a.csv").unlink()
    await work()
    done = await core.services.imports.get(CALLER, begun.ingestion.request_id)
    assert (done.ingestion.status, done.ingestion.details) == (
        Status.FAILED,
        "file '/in/a.csv' not found",
    )


async def test_an_import_is_found_by_its_wait(core: Core, inbox: Path, work: Work) -> None:
    (inbox / "a.csv").write_text(PEOPLE)
    begun = await core.services.imports.start(CALLER, NewImport("/in/a.csv"))
    import_id = begun.ingestion.request_id
    assert not (await core.services.imports.wait(CALLER, import_id, 0)).ingestion.terminal
    waiting = asyncio.create_task(core.services.imports.wait(CALLER, import_id, 30))
    await work()
    assert (await waiting).ingestion.status is Status.COMPLETED


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


@pytest.mark.parametrize(
    ("options", "word"),
    [({"mode": ImportMode.REPLACE}, "UPSERT"), ({"data_types": {"name": "TEXT"}}, "contract")],
)
async def test_a_contract_is_not_changed_by_a_file(
    imported: Import, options: dict[str, Any], word: str
) -> None:
    done = await imported("customers.csv", f"customer_id,name\n{CUSTOMER},Ada\n", **options)
    assert done.ingestion.status is Status.FAILED
    assert word in (done.ingestion.details or "")


async def test_a_contract_gets_the_columns_it_needs(imported: Import) -> None:
    done = await imported("customers.csv", "name,shoe_size\nAda,38\n")
    assert done.ingestion.status is Status.FAILED
    assert "customer_id" in (done.ingestion.details or "")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.ndjson", b'{"id": 1, "name": "Ada"}\n{"id": 2, "name": "Bo"}\n'),
        ("a.json", b'[{"id": 1, "name": "Ada"}, {"id": 2, "name": "Bo"}]'),
        ("a.tsv", b"id\tname\n1\tAda\n2\tBo\n"),
        ("a.csv.gz", gzip.compress(b"id,name\n1,Ada\n2,Bo\n")),
        ("a.csv", "id;name\n1;Ada\n2;Bo\n".encode("utf-16")),
        ("a.csv", b'id,name\r\n1,"Ada"\r\n2,"Bo"\r\n'),
    ],
)
async def test_every_format_gives_the_same_table(
    imported: Import, rows: Rows, name: str, data: bytes
) -> None:
    done = await imported(name, data, "raw.t")
    assert done.ingestion.status is Status.COMPLETED, done.ingestion.details
    assert await rows("raw.t") == [("1", "Ada"), ("2", "Bo")]


async def test_bytes_of_another_encoding_are_rejected(core: Core, imported: Import) -> None:
    data = b"id,name\n1,Ada\n2,M\xfcller\n3,Cy\n"
    done = await imported("a.csv", data, "raw.t", encoding="utf-8")
    assert (done.ingestion.rows_loaded, done.ingestion.rows_rejected) == (2, 1)
    _, page = await core.services.rejects.list(
        CALLER, done.ingestion.request_id, rejected=True, parked=True, page=PAGE
    )
    assert [(row.line, row.reason.value) for row in page.items] == [(3, "INVALID_UTF8")]


async def test_a_day_that_no_month_has_is_rejected(imported: Import, rows: Rows) -> None:
    done = await imported(
        "a.csv",
        "day\n2024-02-28\n2024-02-30\n",
        "raw.t",
        data_types={"day": "DATE"},
    )
    assert (done.ingestion.rows_loaded, done.ingestion.rows_rejected) == (1, 1)
    assert await rows("raw.t") == [("2024-02-28",)]
