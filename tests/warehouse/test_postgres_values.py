from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest

from headrace_server.model.query import ValueKind
from headrace_server.warehouse.engines import PostgresWarehouse
from headrace_server.warehouse.guarding.query import GuardedQuery

VALUES = [
    ("1::int2", ValueKind.INTEGER, 1),
    ("1.50::numeric", ValueKind.DECIMAL, Decimal("1.50")),
    ("'Infinity'::numeric", ValueKind.DECIMAL, Decimal("Infinity")),
    ("0.1::float4", ValueKind.FLOAT, 0.1),
    ("0.1::float8", ValueKind.FLOAT, 0.1),
    ("true", ValueKind.BOOLEAN, True),
    ("'2024-02-29'::date", ValueKind.DATE, date(2024, 2, 29)),
    ("'infinity'::date", ValueKind.DATE, "infinity"),
    ("'0044-03-15 BC'::date", ValueKind.DATE, "0044-03-15 BC"),
    ("'2024-02-29 10:00:00.5'::timestamp", ValueKind.DATETIME, datetime(2024, 2, 29, 10, 0, 0, 500000)),  # noqa: DTZ001, E501
    ("'2024-02-29 10:00+01'::timestamptz", ValueKind.TIMESTAMP, datetime(2024, 2, 29, 9, tzinfo=UTC)),  # noqa: E501
    ("'-infinity'::timestamptz", ValueKind.TIMESTAMP, "-infinity"),
    ("'10:30'::time", ValueKind.TIME, time(10, 30)),
    ("'1 month 2 days'::interval", ValueKind.STRING, "P1M2D"),
    ("'{\"a\": 1}'::jsonb", ValueKind.JSON, '{"a": 1}'),
    ("'\\x00ff'::bytea", ValueKind.BYTES, b"\0\xff"),
    ("'00000000-0000-0000-0000-000000000001'::uuid", ValueKind.UUID, UUID(int=1)),
    ("ARRAY[[1, 2], [3, NULL]]", ValueKind.STRING, [[1, 2], [3, None]]),
    ("ROW(1, 'a')", ValueKind.STRING, [1, "a"]),
    ("int4range(1, 5)", ValueKind.STRING, "[1,5)"),
    ("numrange(NULL, 5, '(]')", ValueKind.STRING, "(,5]"),
    ("'empty'::int4range", ValueKind.STRING, "empty"),
    ("'10.0.0.1/8'::inet", ValueKind.STRING, "10.0.0.1/8"),
    ("B'101'", ValueKind.STRING, "101"),
    ("'a'::\"char\"", ValueKind.STRING, "a"),
]  # fmt: skip


async def test_values_are_exact_or_the_servers_text(postgres_url: str) -> None:
    warehouse = PostgresWarehouse(postgres_url)
    query = GuardedQuery(f"SELECT {', '.join(sql for sql, *_ in VALUES)}", "postgresql", (), ())
    first, last = [piece async for piece in warehouse.query(query, most_rows=1, timeout=5)]
    found = [(c.kind, v) for c, v in zip(first.columns, last.rows[0], strict=True)]
    assert found == [(kind, value) for _, kind, value in VALUES]
    await warehouse.close()


@pytest.mark.parametrize("sql", ["SELECT 1 / 0", "SELECT 'x'::int", "SELECT 2147483647 + 1"])
async def test_nothing_is_left_open_by_a_failure(postgres_url: str, sql: str) -> None:
    warehouse = PostgresWarehouse(postgres_url)
    for _ in range(10):  # more than run at once
        with pytest.raises(Exception, match="sql: "):
            _ = [
                piece
                async for piece in warehouse.query(
                    GuardedQuery(sql, "postgresql", (), ()), most_rows=1, timeout=5
                )
            ]
    await warehouse.close()
