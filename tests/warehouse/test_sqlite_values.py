from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from headrace_server.model.query import ValueKind
from headrace_server.warehouse.engines import SqliteWarehouse
from headrace_server.warehouse.sql import execute

#: declared type, what is kept, kind and value
VALUES = [
    ("BIGINT", "7", ValueKind.INTEGER, 7),
    ("DOUBLE", "1.5", ValueKind.FLOAT, 1.5),
    ("BOOLEAN", "1", ValueKind.BOOLEAN, True),
    ("BOOLEAN", "'maybe'", ValueKind.BOOLEAN, "maybe"),
    ("UUID_TEXT", "'00000000-0000-0000-0000-000000000001'", ValueKind.UUID, UUID(int=1)),
    ("TIMESTAMP_TEXT", "'2024-02-29T10:00:00+00:00'", ValueKind.TIMESTAMP,
     datetime(2024, 2, 29, 10, tzinfo=UTC)),
    ("DATETIME_TEXT", "'2024-02-29T10:00:00'", ValueKind.DATETIME, datetime(2024, 2, 29, 10)),  # noqa: DTZ001
    ("DATE_TEXT", "'2024-02-29'", ValueKind.DATE, date(2024, 2, 29)),
    ("DATE_TEXT", "'no day'", ValueKind.DATE, "no day"),
    ("TIME_TEXT", "'10:30:00'", ValueKind.TIME, time(10, 30)),
    ("DECIMAL_TEXT(30, 20)", "'0.12345678901234567890'", ValueKind.DECIMAL,
     Decimal("0.12345678901234567890")),
    ("DECIMAL_TEXT", "'many'", ValueKind.DECIMAL, "many"),
    ("JSON_TEXT", "'{\"a\": 1}'", ValueKind.JSON, '{"a": 1}'),
    ("BLOB", "x'00ff'", ValueKind.BYTES, b"\0\xff"),
    ("VARCHAR(5)", "NULL", ValueKind.STRING, None),
    ("TEXT", "CAST(x'61ff' AS TEXT)", ValueKind.STRING, "a\N{REPLACEMENT CHARACTER}"),
]  # fmt: skip


async def test_values_are_what_their_columns_were_declared_to_hold(tmp_path: Path) -> None:
    warehouse = SqliteWarehouse(tmp_path / "w.sqlite")
    await warehouse.prepare({})
    columns = ", ".join(f"c{n} {declared}" for n, (declared, *_) in enumerate(VALUES))
    async with warehouse._write() as connection:
        await execute(connection, f"CREATE TABLE t ({columns})")
        kept = ", ".join(value.replace(":", "\\:") for _, value, *_ in VALUES)
        await execute(connection, f"INSERT INTO t VALUES ({kept})")
    query = await warehouse.guarded("SELECT t.*, 1 + 1 FROM t")
    first, last = [piece async for piece in warehouse.query(query, most_rows=1, timeout=5)]
    found = [(c.kind, v) for c, v in zip(first.columns, last.rows[0], strict=True)]
    assert found[:-1] == [(kind, value) for _, _, kind, value in VALUES]
    assert found[-1] == (ValueKind.ANY, 2)
    assert [column.type for column in first.columns][:-1] == [each[0] for each in VALUES]
    await warehouse.close()
