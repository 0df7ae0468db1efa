"""What files and options make of an import; the engine is no matter."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.model.errors import InvalidFieldError, NotFoundError
from headrace_server.model.file_import import ImportMode, NewColumns, NewImport, TypeChanges
from headrace_server.model.ingestion import Status
from headrace_server.model.page import PageRequest

from .conftest import CALLER, OTHER, Import, Rows, Work

PEOPLE = "id,name,born\n1,Ada,1815-12-10\n2,Bo,\n"
PAGE = PageRequest()

CUSTOMER = "2dadea68-e328-4c96-844a-ba06ed89f6be"


@pytest.fixture
def migrated_url(migrated_sqlite_url: str) -> str:
    return migrated_sqlite_url


async def test_rows_without_a_key_are_rejected(core: Core, imported: Import) -> None:
    done = await imported("people.csv", "id,name\n1,Ada\n,Bo\n", "raw.p", key_columns=("id",))
    assert done.ingestion.status is Status.COMPLETED_WITH_ERRORS
    _, page = await core.services.rejects.list(
        CALLER, done.ingestion.request_id, rejected=True, parked=True, page=PAGE
    )
    assert [(row.line, row.column, row.raw) for row in page.items] == [(3, "id", ",Bo")]


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


async def test_a_new_column_is_refused(imported: Import, rows: Rows) -> None:
    await imported("a.csv", "id\n1\n", "raw.t")
    done = await imported("b.csv", "id,town\n2,Ulm\n", "raw.t", new_columns=NewColumns.REJECT)
    assert done.ingestion.status is Status.FAILED
    assert "town" in (done.ingestion.details or "")
    assert await rows("raw.t") == [("1",)]


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
        ("a.csv.gz", gzip.compress(b"id,name\n1,Ada\n2,Bo\n", mtime=0)),
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


async def test_quoted_digits_of_json_stay_text(imported: Import, rows: Rows) -> None:
    lines = "".join(f'{{"code": {n}}}\n' for n in range(100))
    data = lines + '{"code": "007"}\n'
    done = await imported("codes.ndjson", data, "raw.codes", sample_bytes=1024)
    assert (done.ingestion.status, done.ingestion.rows_loaded) == (Status.COMPLETED, 101)
    assert ("007",) in await rows("raw.codes")
