"""Rows kept aside, as callers see them, and the count of all rows of a file."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.errors import NotFoundError
from headrace_server.model.rows import RejectReason
from headrace_server.model.warehouse import FileTally, KeptRow
from headrace_server.warehouse.bookkeeping import LEDGER, REJECTS, moment_of
from headrace_server.warehouse.candidates import BYTE_OFFSET, LINE, NUMBER
from headrace_server.warehouse.definitions import Definition, read_definitions
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import quote, rows

_REJECT_ID = re.compile(r"([rp])-(\d{1,9})-(\d{1,18})-(\d{1,18})")
#: types whose text is a JSON text already
_PLAIN_JSON = (
    ColumnType.INTEGER,
    ColumnType.DECIMAL,
    ColumnType.FLOAT,
    ColumnType.BOOLEAN,
    ColumnType.JSON,
)


def number_of(reject_id: str) -> int:
    """The number of a rejected row. Raises NotFoundError for what is no such id."""
    kind, _, _, number = _parts(reject_id)
    if kind != "r":
        raise NotFoundError("reject", reject_id)
    return number


def _parts(reject_id: str) -> tuple[str, int, int, int]:
    """Kind, file, line, number: an id is a position in the list as well."""
    parts = _REJECT_ID.fullmatch(reject_id)
    if parts is None:
        raise NotFoundError("reject", reject_id)
    return parts[1], int(parts[2]), int(parts[3]), int(parts[4])


async def tally(
    connection: AsyncConnection, dialect: Dialect, ingestion_id: str
) -> list[FileTally]:
    """Rows of each file. A replayed row was read, and counted, by the file's own run."""
    read = await rows(
        connection,
        "SELECT file_no, table_name, sum(rows_read - rows_replayed) AS rows_read,"
        " sum(CASE WHEN run = 0 THEN byte_length ELSE 0 END) AS bytes_processed"
        f" FROM {dialect.system(LEDGER)} WHERE ingestion_id = :ingestion_id"
        " GROUP BY file_no, table_name",
        ingestion_id=ingestion_id,
    )
    rejected = await _count_by_file(
        connection, dialect.system(REJECTS), ("ingestion_id", "file_no"), ingestion_id
    )
    parked: Counter[int] = Counter()
    for table in await _parking_tables(connection, dialect, {row.table_name for row in read}):
        columns = ('"headrace.ingestion_id"', '"headrace.file_no"')
        parked += await _count_by_file(connection, dialect.parked(table), columns, ingestion_id)
    rows_read, bytes_processed = Counter[int](), Counter[int]()
    for row in read:
        rows_read[row.file_no] += int(row.rows_read)
        bytes_processed[row.file_no] += int(row.bytes_processed)
    return [
        FileTally(
            file_no=file_no,
            rows_read=rows_read[file_no],
            rows_loaded=rows_read[file_no] - rejected[file_no] - parked[file_no],
            rows_rejected=rejected[file_no],
            rows_parked=parked[file_no],
            bytes_processed=bytes_processed[file_no],
        )
        for file_no in sorted(rows_read)
    ]


async def _count_by_file(
    connection: AsyncConnection, relation: str, columns: tuple[str, str], ingestion_id: str
) -> Counter[int]:
    ingestion, file_no = columns
    counted = await rows(
        connection,
        f"SELECT {file_no} AS file_no, count(*) AS found FROM {relation}"
        f" WHERE {ingestion} = :ingestion_id GROUP BY {file_no}",
        ingestion_id=ingestion_id,
    )
    return Counter({row.file_no: row.found for row in counted})


async def _parking_tables(
    connection: AsyncConnection, dialect: Dialect, tables: set[str]
) -> list[str]:
    """Those of the tables that refer to something: only they can have parked rows."""
    if not tables:
        return []
    definitions = await read_definitions(connection, dialect, sorted(tables))
    return sorted(name for name, found in definitions.items() if found.table.references)


async def kept_rows(
    connection: AsyncConnection,
    dialect: Dialect,
    ingestion_id: str,
    *,
    rejected: bool,
    parked: bool,
    after: str | None,
    limit: int,
) -> list[KeptRow]:
    """See `Warehouse.kept_rows`."""
    in_parked = after is not None and _parts(after)[0] == "p"
    found: list[KeptRow] = []
    if rejected and not in_parked:
        found += await rejected_rows(connection, dialect, ingestion_id, after, limit)
    if parked and len(found) < limit:
        start = after if in_parked else None
        found += await parked_rows(connection, dialect, ingestion_id, start, limit - len(found))
    return found


async def rejected_rows(
    connection: AsyncConnection,
    dialect: Dialect,
    ingestion_id: str,
    after: str | None,
    limit: int,
    numbers: Sequence[int] | None = None,
) -> list[KeptRow]:
    """The next rejected rows after one, by file and line; only those numbers if given."""
    parameters: dict[str, Any] = {"ingestion_id": ingestion_id, "limit": limit}
    condition = ""
    if after is not None:
        _, file_no, line, number = _parts(after)
        condition += " AND (file_no, line, number) > (:file_no, :line, :number)"
        parameters |= {"file_no": file_no, "line": line, "number": number}
    if numbers is not None:
        condition += f" AND number IN ({dialect.numbers(':numbers')})"
        parameters["numbers"] = json.dumps(list(numbers))
    found = await rows(
        connection,
        f"SELECT * FROM {dialect.system(REJECTS)} WHERE ingestion_id = :ingestion_id{condition}"
        " ORDER BY file_no, line, number LIMIT :limit",
        **parameters,
    )
    return [_rejected(row) for row in found]


def _rejected(row: Any) -> KeptRow:
    return KeptRow(
        reject_id=f"r-{row.file_no}-{row.line}-{row.number}",
        file_no=row.file_no,
        table=row.table_name,
        line=row.line,
        byte_offset=row.byte_offset,
        column=row.column,
        reason=RejectReason(row.reason),
        message=row.message,
        raw=row.raw,
        raw_truncated=bool(row.raw_truncated),
    )


async def parked_rows(
    connection: AsyncConnection, dialect: Dialect, ingestion_id: str, after: str | None, limit: int
) -> list[KeptRow]:
    """The next parked rows after one, by file and line."""
    position = (0, 0, 0) if after is None else _parts(after)[1:]
    files = await rows(
        connection,
        f"SELECT DISTINCT file_no, table_name FROM {dialect.system(LEDGER)}"
        " WHERE ingestion_id = :ingestion_id AND file_no >= :file_no"
        " ORDER BY file_no, table_name",
        ingestion_id=ingestion_id,
        file_no=position[0],
    )
    definitions = await read_definitions(connection, dialect)
    found: list[KeptRow] = []
    for file in files:
        # A draft may be gone; it had no parked rows.
        definition = definitions.get(file.table_name)
        table = definition.table if definition else None
        if table and table.references and len(found) < limit:
            _, line, number = position if file.file_no == position[0] else (0, 0, 0)
            start = {"ingestion_id": ingestion_id, "file_no": file.file_no, "line": line}
            start |= {"number": number, "limit": limit - len(found)}
            found += await _parked_of_file(connection, dialect, table, definitions, start)
    return found


async def _parked_of_file(
    connection: AsyncConnection,
    dialect: Dialect,
    table: Table,
    definitions: dict[str, Definition],
    start: dict[str, Any],
) -> list[KeptRow]:
    values = ", ".join(
        f"{dialect.column_text(column, f'p.{quote(column.name)}')} AS c{position}"
        for position, column in enumerate(table.columns)
    )
    found = await rows(
        connection,
        f'SELECT p.{NUMBER}, p."headrace.file_no", p.{LINE}, p.{BYTE_OFFSET},'
        f' p."headrace.parked_since", p."headrace.missing_reference", {values}'
        f" FROM {dialect.parked(table.name)} AS p"
        ' WHERE p."headrace.ingestion_id" = :ingestion_id AND p."headrace.file_no" = :file_no'
        f" AND (p.{LINE}, p.{NUMBER}) > (:line, :number)"
        f" ORDER BY p.{LINE}, p.{NUMBER} LIMIT :limit",
        **start,
    )
    return [_parked(row, table, definitions) for row in found]


def _parked(row: Any, table: Table, definitions: dict[str, Definition]) -> KeptRow:
    number, file_no, line, byte_offset, since, missing, *texts = row
    values = dict(zip((column.name for column in table.columns), texts, strict=True))
    reference = table.references[missing]
    columns = ",".join(reference.columns)
    value = ",".join(values[name] for name in reference.columns)
    return KeptRow(
        reject_id=f"p-{file_no}-{line}-{number}",
        file_no=file_no,
        table=table.name,
        line=line,
        byte_offset=byte_offset,
        column=columns,
        reason=RejectReason.MISSING_PARENT,
        message=f"{columns} {value} is not in {reference.table} (yet); the row waits for it",
        raw=_json_object(table, values),
        missing_table=reference.table,
        missing_column=",".join(definitions[reference.table].table.primary_key),
        missing_value=value,
        parked_since=moment_of(since),
    )


def _json_object(table: Table, values: dict[str, str | None]) -> str:
    """The row as JSON, with numbers and JSON as exact as they are kept."""
    pairs = (
        f"{json.dumps(column.name)}: {_json_value(column, values[column.name])}"
        for column in table.columns
    )
    return f"{{{', '.join(pairs)}}}"


def _json_value(column: Column, text: str | None) -> str:
    if text is None:
        return "null"
    if column.type in _PLAIN_JSON:
        return text
    return json.dumps(text, ensure_ascii=False)
