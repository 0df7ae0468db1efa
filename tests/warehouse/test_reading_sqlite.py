"""What SQLite itself is told to refuse, whatever the guard let pass."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace_server.model.errors import StorageUnavailableError
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.reading_sqlite import (
    SqliteReading,
    _authorize,
    _authorize_describing,
)


@pytest.mark.parametrize("authorize", [_authorize, _authorize_describing])
@pytest.mark.parametrize(
    ("action", "first", "second"),
    [
        (sqlite3.SQLITE_ATTACH, "/tmp/x", None),  # noqa: S108  # nothing is opened
        (sqlite3.SQLITE_DELETE, "customers", None),
        (sqlite3.SQLITE_INSERT, "customers", None),
        (sqlite3.SQLITE_UPDATE, "customers", "id"),
        (sqlite3.SQLITE_CREATE_TABLE, "x", None),
        (sqlite3.SQLITE_CREATE_TEMP_VIEW, "x", None),
        (sqlite3.SQLITE_DROP_TABLE, "customers", None),
        (sqlite3.SQLITE_PRAGMA, "writable_schema", "1"),
        (sqlite3.SQLITE_PRAGMA, "table_info", "customers"),
        (sqlite3.SQLITE_READ, "headrace.rejects", "raw"),
        (sqlite3.SQLITE_READ, "HEADRACE.PARKED.orders", "id"),
        (sqlite3.SQLITE_FUNCTION, None, "load_extension"),
        (sqlite3.SQLITE_TRANSACTION, "BEGIN", None),
    ],
)
def test_only_reading_is_allowed(
    authorize: Callable[..., int], action: int, first: str | None, second: str | None
) -> None:
    assert authorize(action, first, second, "main", None) == sqlite3.SQLITE_DENY


def test_reading_is_allowed() -> None:
    for authorize in (_authorize, _authorize_describing):
        assert authorize(sqlite3.SQLITE_SELECT, None, None, None, None) == sqlite3.SQLITE_OK
        read = authorize(sqlite3.SQLITE_READ, "customers", "id", "main", None)
        assert read == sqlite3.SQLITE_OK
        assert authorize(sqlite3.SQLITE_FUNCTION, None, "LIKE", None, None) == sqlite3.SQLITE_OK


@pytest.mark.parametrize("content", [None, b"no database, though it is as long as one" * 100])
async def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "w.sqlite").write_bytes(content)
    reading = SqliteReading(tmp_path / "w.sqlite")
    for _ in range(10):  # more than run at once
        with pytest.raises(StorageUnavailableError):
            await reading.open(GuardedQuery("SELECT * FROM t", "sqlite", (), ()), 1)
    assert await reading.user_functions() == frozenset()
