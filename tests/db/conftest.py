"""A migrated control store on each engine."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from headrace_server.db import tables
from headrace_server.db.engine import ControlStore
from headrace_server.model.ingestion import Ingestion, IngestionFile, Kind, Status
from headrace_server.model.job import Priority
from headrace_server.model.upload import Upload, UploadStatus

NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
async def store(migrated_url: str) -> AsyncIterator[ControlStore]:
    """A migrated store, once for each engine, with the tenants `acme` and `globex`."""
    store = ControlStore.open(migrated_url)
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert(),
            [
                {"tenant_id": name, "display_name": name, "status": "ACTIVE", "created_at": NOW}
                for name in ("acme", "globex")
            ],
        )
    yield store
    await store.close()


@pytest.fixture
def upload() -> Upload:
    """An upload of acme, not stored."""
    return Upload(
        upload_id="u1",
        tenant_id="acme",
        file_name="orders_1.ndjson",
        data_type="orders",
        priority=Priority.HIGH,
        status=UploadStatus.OPEN,
        total_bytes=2**40,
        sha256="a" * 64,
        writer=0,
        offset=0,
        expires_at=NOW + timedelta(hours=1),
        request_id=None,
        created_at=NOW,
    )


@pytest.fixture
def ingestion() -> Ingestion:
    """An ingestion of acme, not stored."""
    return Ingestion(
        request_id="r1",
        tenant_id="acme",
        kind=Kind.FILES,
        status=Status.PENDING,
        priority=Priority.LOW,
        total_units=2,
        processed_units=0,
        failed_units=0,
        rows_loaded=0,
        rows_rejected=0,
        rows_parked=0,
        bytes_total=2**40,
        bytes_processed=0,
        details=None,
        revision=1,
        replays=0,
        created_at=NOW,
        started_at=None,
        completed_at=None,
    )


@pytest.fixture
def file() -> IngestionFile:
    """The first file of `ingestion`, not stored."""
    return IngestionFile(
        request_id="r1",
        file_no=0,
        file_name="orders_1.ndjson",
        data_type="orders",
        upload_id="u1",
        status=Status.PENDING,
        bytes_total=2**40,
        bytes_processed=0,
        rows_loaded=0,
        rows_rejected=0,
        rows_parked=0,
        error=None,
    )
