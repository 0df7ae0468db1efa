"""A whole core on each engine, connectors of the test's own, and a runner that runs on request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core, open_core
from headrace_server.config import Config
from headrace_server.connectors.base import Call, Output
from headrace_server.core.mappings.accepting import RUN_MAPPINGS
from headrace_server.model.ingestion import Ingestion
from headrace_server.model.job import Priority
from headrace_server.model.mapping import Mapping, MappingResult, Record
from headrace_server.model.page import PageRequest
from headrace_server.model.tenant import Principal, Scope

CALLER = Principal("default", frozenset({Scope.READ, Scope.WRITE}), None)


class ScriptedSystem:
    """Raises or answers as the test says, and remembers what it was called with."""

    def __init__(
        self, *, tries: int = 1, host: str | None = None, permits: int = 1_000_000
    ) -> None:
        """Let so many writes through; the others wait."""
        self.tries = tries
        self.host = host
        #: raised by the next writes, in turn; None for none
        self.errors: list[Exception | None] = []
        self.written: list[tuple[Record, Call]] = []
        self.reads = 0
        self.at_once = 0
        self.most_at_once = 0
        self.permits = asyncio.Semaphore(permits)

    def check(self, address: str, *, written: bool) -> None:
        pass

    def host_of(self, address: str) -> str | None:
        return self.host

    async def read(self, address: str, call: Call) -> list[Record]:
        self.reads += 1
        return [{"id": call.mapping_id}]

    async def write(self, address: str, records: Sequence[Record], call: Call) -> Output:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.permits.acquire()
            error = self.errors.pop(0) if self.errors else None
            if error is not None:
                raise error
            self.written += [(record, call) for record in records]
            return {"accepted": len(records)}
        finally:
            self.at_once -= 1


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings that differ from the defaults; a test may say its own."""
    return {}


@pytest.fixture
async def core(tmp_path: Path, migrated_url: str, settings: dict[str, Any]) -> AsyncIterator[Core]:
    chosen = {"simulated_latency_ms": 0, "simulated_success_rate": 1.0, **settings}
    config = Config(data_dir=tmp_path / "data", database_url=migrated_url, parsers=1, **chosen)
    async with open_core(config) as opened:
        yield opened


Submit = Callable[..., Awaitable[Ingestion]]
Work = Callable[[], Awaitable[None]]
Results = Callable[[str], Awaitable[list[MappingResult]]]


@pytest.fixture
def submit(core: Core) -> Submit:
    """Accept so many simulated mappings, or those given; nothing is carried yet."""

    async def accept(number: int = 0, *mappings: Mapping) -> Ingestion:
        made = [Mapping(f"m{each}", "source", "target", {}) for each in range(number)]
        return await core.services.mappings.accept(CALLER, [*made, *mappings], Priority.MEDIUM)

    return accept


@pytest.fixture
def work(core: Core) -> Work:
    """Run every job that waits, one after the other."""

    async def run_all() -> None:
        while jobs := await core.jobs.claim("tests", [RUN_MAPPINGS], 1):
            await core.mappings.run(jobs[0])

    return run_all


@pytest.fixture
def results(core: Core) -> Results:
    """All results of a request."""

    async def read(request_id: str) -> list[MappingResult]:
        found = await core.services.ingestions.results(CALLER, request_id, PageRequest(1000, ""))
        return list(found.mappings.items)

    return read
