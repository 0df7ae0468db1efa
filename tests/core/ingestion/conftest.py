"""A whole core on each engine, a worker that runs on request, and rows to load."""

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent import futures
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core, open_core
from headrace_server.composition import foundation
from headrace_server.config import Config
from headrace_server.core.ingestion.accepting import LOAD_FILES
from headrace_server.core.ingestion.receiving import Delivery
from headrace_server.model.ingestion import Ingestion
from headrace_server.model.job import Priority
from headrace_server.model.tenant import Principal, Scope

CALLER = Principal("default", frozenset({Scope.READ, Scope.WRITE}), None)
MOMENT = "2026-01-02T03:04:05Z"


def key(number: int) -> str:
    return str(uuid.UUID(int=number))


def customer(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "customer_id": key(number),
        "name": f"Customer {number}",
        "email": None,
        "metadata": {"number": number},
        "created_at": MOMENT,
    } | changes


def order(number: int, customer_number: int | None, **changes: Any) -> dict[str, Any]:
    return {
        "order_id": key(number),
        "external_order_id": str(number),
        "customer_id": None if customer_number is None else key(customer_number),
        "customer_name_snapshot": None,
        "customer_email_snapshot": None,
        "total_amount": 12.5,
        "currency": "GBP",
        "order_status": "completed",
        "order_date": MOMENT,
        "raw_payload": None,
        "created_at": MOMENT,
    } | changes


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def stream(data: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.fixture
def config(tmp_path: Path, migrated_url: str) -> Config:
    return Config(
        data_dir=tmp_path / "data", database_url=migrated_url, parsers=1, chunk_bytes=2000
    )


MakeParsers = Callable[..., futures.Executor]


@pytest.fixture
def make_parsers(lent_parsers: MakeParsers) -> MakeParsers:
    """Gives a core its parsers; a test that breaks them asks for processes of its own."""
    return lent_parsers


@pytest.fixture
async def core(
    config: Config, make_parsers: MakeParsers, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Core]:
    monkeypatch.setattr(foundation, "process_pool", make_parsers)
    async with open_core(config) as opened:
        yield opened


Work = Callable[[], Awaitable[None]]


@pytest.fixture
def work(core: Core) -> Work:
    """Run every job that waits, one after the other."""

    async def run_all() -> None:
        while jobs := await core.jobs.claim("tests", [LOAD_FILES], 1):
            await core.loading.run(jobs[0])

    return run_all


Send = Callable[..., Awaitable[Ingestion]]


@pytest.fixture
def send(core: Core) -> Send:
    """Receive a file in one go; nothing is loaded yet."""

    async def receive(file_name: str, data: bytes, **said: Any) -> Ingestion:
        delivery = Delivery(
            **{
                "method": "test",
                "file_name": file_name,
                "data_type": "",
                "priority": Priority.MEDIUM,
                "content_type": "application/x-ndjson",
                **said,
            }
        )
        received = await core.services.receiver.receive(CALLER, delivery, stream(data))
        return received.ingestion

    return receive
