import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from headrace_server.db import ingestions
from headrace_server.db.engine import ControlStore
from headrace_server.db.point_reads import PointReads
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.ingestion import OPEN, Ingestion, Status


@pytest.fixture
async def reads(store: ControlStore) -> AsyncIterator[PointReads]:
    reads = PointReads(store.url)
    yield reads
    await reads.close()


async def test_they_read_what_the_statements_read(
    store: ControlStore, reads: PointReads, ingestion: Ingestion, now: datetime
) -> None:
    ended = replace(
        ingestion, request_id="r2", status=Status.FAILED, started_at=now, completed_at=now
    )
    async with store.begin() as connection:
        for record in (ingestion, ended):
            await ingestions.insert(connection, record, "j", [])
    for record in (ingestion, ended):
        assert await reads.ingestion("acme", record.request_id) == record
        assert await reads.ingestion("globex", record.request_id) is None
    assert await reads.ingestion("acme", "none") is None


async def test_they_are_never_stale(
    store: ControlStore, reads: PointReads, ingestion: Ingestion
) -> None:
    async with store.begin() as connection:
        await ingestions.insert(connection, ingestion, "j", [])
    for revision in range(1, 20):
        read = await reads.ingestion("acme", "r1")
        assert read is not None
        assert read.revision == revision
        async with store.begin() as connection:
            await ingestions.update_ingestion(connection, "r1", OPEN)


async def test_they_wait_for_no_writer(
    store: ControlStore, reads: PointReads, ingestion: Ingestion
) -> None:
    async with store.begin() as connection:
        await ingestions.insert(connection, ingestion, "j", [])
    async with store.begin() as connection:
        await ingestions.update_ingestion(connection, "r1", OPEN, details="not yet")
        assert await reads.ingestion("acme", "r1") == ingestion


async def test_many_at_once(store: ControlStore, reads: PointReads, ingestion: Ingestion) -> None:
    async with store.begin() as connection:
        await ingestions.insert(connection, ingestion, "j", [])
    found = await asyncio.gather(*(reads.ingestion("acme", "r1") for _ in range(200)))
    assert found == [ingestion] * 200


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path / 'none'}", f"postgresql:///d?host={tmp_path}"):
        reads = PointReads(url)
        with pytest.raises(StorageUnavailableError):
            await reads.ingestion("acme", "r1")
        await reads.close()
    assert not (tmp_path / "none").exists()


async def test_a_lost_connection_is_unavailable_and_the_next_read_works(
    migrated_postgres_url: str, ingestion: Ingestion
) -> None:
    store = ControlStore.open(migrated_postgres_url)
    await store.close()
    reads = PointReads(migrated_postgres_url)
    assert await reads.ingestion("acme", "r1") is None
    admin = await asyncpg.connect(migrated_postgres_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await admin.close()
    assert await _recovers(reads)
    await reads.close()


async def _recovers(reads: PointReads) -> bool:
    try:
        return await reads.ingestion("acme", "r1") is None
    except StorageUnavailableError:
        return await reads.ingestion("acme", "r1") is None


async def test_a_store_without_tables_is_a_mistake(postgres_url: str) -> None:
    reads = PointReads(postgres_url)
    with pytest.raises(asyncpg.UndefinedTableError):
        await reads.ingestion("acme", "r1")
    await reads.close()


def test_unfit_urls_are_refused() -> None:
    with pytest.raises(ValueError, match="sqlite:///path"):
        PointReads("sqlite:///:memory:")
