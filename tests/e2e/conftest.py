"""A whole site: core, worker and gRPC server in this process, and a real Envoy before it."""

import asyncio
import json
import os
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from headrace_server.app import Core, open_core
from headrace_server.config import Config
from headrace_server.core.ingestion.accepting import LOAD_FILES
from headrace_server.gateway.envoy import Envoy
from headrace_server.gateway.options import GatewayOptions
from headrace_server.model.tenant import Scope
from headrace_server.running import running_server, running_worker

CERTIFICATES = Path(__file__).parent / "certificates"
COMPREHENSIVE = "/api/v1/ingest/comprehensive"
SESSIONS = "/api/v1/ingest/sessions"
CONTRACTS = "/api/v1/contracts"
TABLES = "/api/v1/warehouse/tables"
TENANTS = "/api/v1/tenants"
MOMENT = "2026-01-02T03:04:05Z"

Json = dict[str, Any]


def new_id() -> str:
    return str(uuid.uuid4())


def customer(customer_id: str, **changes: Any) -> Json:
    return {
        "customer_id": customer_id,
        "name": "Ada",
        "email": "ada@example.com",
        "metadata": {"vip": True},
        "created_at": MOMENT,
    } | changes


def product(sku: str, **changes: Any) -> Json:
    return {
        "product_id": new_id(),
        "sku": sku,
        "name": "Lantern",
        "price": "12.50",
        "category_id": None,
        "active": True,
        "created_at": MOMENT,
    } | changes


def order(order_id: str, customer_id: str, **changes: Any) -> Json:
    return {
        "order_id": order_id,
        "external_order_id": "536365",
        "customer_id": customer_id,
        "customer_name_snapshot": None,
        "customer_email_snapshot": None,
        "total_amount": 15.3,
        "currency": "GBP",
        "order_status": "completed",
        "order_date": MOMENT,
        "raw_payload": {"lines": 1},
        "created_at": MOMENT,
    } | changes


def item(order_id: str, product_id: str) -> Json:
    return {
        "order_item_id": new_id(),
        "order_id": order_id,
        "product_id": product_id,
        "quantity": 2,
        "unit_price": 2.55,
        "line_total": 5.1,
    }


def lines(*rows: Json) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@dataclass(frozen=True)
class Site:
    """A running site, and how a caller with curl sees it."""

    core: Core
    rest: httpx.AsyncClient
    #: host:port of the gRPC server and of Envoy
    grpc: str
    http: str
    #: secret of the admin key; empty where no key exists
    admin: str

    async def ingest(
        self, name: str, data: bytes, headers: Mapping[str, str] | None = None, **query: str
    ) -> Json:
        """Upload a file in one go."""
        answer = await self.rest.post(
            COMPREHENSIVE, params={"file_name": name, **query}, content=data, headers=headers
        )
        return ok(answer)

    async def ended(self, request_id: str) -> Json:
        """Watch an ingestion to its end, and return the terminal message."""
        messages = await self.watched(request_id)
        assert messages[-1]["terminal"] is True
        return messages[-1]

    async def watched(self, request_id: str) -> list[Json]:
        """Return all messages of a watch."""
        async with self.rest.stream("GET", f"/status/{request_id}/watch") as answer:
            assert answer.status_code == 200
            return [json.loads(line) async for line in answer.aiter_lines()]

    async def load(self, name: str, data: bytes, **query: str) -> Json:
        """Upload a file and wait for the end of its ingestion."""
        return await self.ended((await self.ingest(name, data, None, **query))["request_id"])

    async def get(self, path: str, **query: Any) -> Json:
        return ok(await self.rest.get(path, params=query))

    async def post(self, path: str, body: Json | None = None) -> Json:
        return ok(await self.rest.post(path, json=body or {}))

    async def rejects(self, request_id: str, **query: Any) -> list[Json]:
        """Return the rows that an ingestion kept aside."""
        answer = await self.get(f"/api/v1/ingest/{request_id}/rejects", **query)
        rejects: list[Json] = answer["rejects"]
        return rejects

    async def select(self, query: str, tenant_id: str = "default") -> list[tuple[Any, ...]]:
        """Read the tenant's warehouse without the server."""
        config = self.core.config
        if not config.database_url:
            file = config.data_dir / "warehouses" / f"{tenant_id}.sqlite"
            return await asyncio.to_thread(_select, file, query)
        name = config.database_url.partition("?")[0].rpartition("/")[2]
        connection = await asyncpg.connect(config.database_url, database=f"{name}.{tenant_id}")
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def work(self) -> None:
        """Run the jobs that wait, on a site without worker."""
        while jobs := await self.core.jobs.claim("tests", [LOAD_FILES], 1):
            await self.core.loading.run(jobs[0])


def _select(file: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def ok(answer: httpx.Response) -> Json:
    """Return the JSON of a good answer."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: Json = answer.json()
    return body


def detail(answer: httpx.Response, kind: str) -> Json:
    """Return the one detail of that kind in an error, which is a google.rpc.Status."""
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    assert body["message"]
    found = [d for d in body["details"] if d["@type"] == f"type.googleapis.com/google.rpc.{kind}"]
    assert len(found) == 1, body
    only: Json = found[0]
    return only


def reason(answer: httpx.Response) -> str:
    info = detail(answer, "ErrorInfo")
    assert info["domain"] == "headrace"
    return str(info["reason"])


def bad_fields(answer: httpx.Response) -> list[str]:
    """Return the names of the fields that an answer calls wrong."""
    assert answer.status_code == 400, answer.text
    violations = detail(answer, "BadRequest")["field_violations"]
    assert all(violation["description"] for violation in violations)
    return [violation["field"] for violation in violations]


@asynccontextmanager
async def running_site(
    folder: Path,
    database_url: str = "",
    *,
    worker: bool = True,
    keyed: bool = False,
    **settings: Any,
) -> AsyncIterator[Site]:
    """Run a site on free ports; `keyed` gives it an admin key."""
    config = Config(
        data_dir=folder,
        database_url=database_url,
        grpc_address="127.0.0.1:0",
        metrics_address="",
        parsers=1,
        drain_seconds=2,
        **settings,
    )
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(config))
        admin = ""
        if keyed:
            _, admin = await core.tenants.create_key("default", "tests", {Scope.ADMIN})
        if worker:
            await stack.enter_async_context(running_worker(core))
        grpc = f"127.0.0.1:{await stack.enter_async_context(running_server(core))}"
        options = GatewayOptions(http_address="127.0.0.1:0", grpc_address=grpc)
        envoy = await stack.enter_async_context(
            Envoy(options, folder / "envoy", concurrency=1, drain_seconds=2)
        )
        url = f"http://{envoy.address}"
        rest = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
        yield Site(core, rest, grpc, str(envoy.address), admin)


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def fresh_postgres(postgres_server_url: str) -> Iterator[str]:
    """URL of an empty PostgreSQL database that lives as long as the module."""
    name = f"e2e_{uuid.uuid4().hex[:12]}"
    asyncio.run(_execute(postgres_server_url, f"CREATE DATABASE {name}"))
    yield postgres_server_url.replace("/postgres?", f"/{name}?")
    names = (name, f"{name}.default")
    drops = (f'DROP DATABASE IF EXISTS "{each}" WITH (FORCE)' for each in names)
    asyncio.run(_execute(postgres_server_url, *drops))


@pytest.fixture(scope="module")
def engine() -> str:
    """Which engine a module's site runs on; modules that want both say so."""
    return "sqlite"


@pytest.fixture(scope="module")
def site_database(engine: str, request: pytest.FixtureRequest) -> str:
    """URL of the control store of the module's site; empty for the default."""
    return str(request.getfixturevalue("fresh_postgres")) if engine == "postgresql" else ""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(site_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site without keys: everybody is tenant `default`."""
    async with running_site(tmp_path_factory.mktemp("site"), site_database) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def idle_site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site with an admin key on which nothing is loaded unless a test does it."""
    folder = tmp_path_factory.mktemp("idle-site")
    async with running_site(folder, worker=False, keyed=True) as running:
        yield running


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    def documents(self) -> list[Json]:
        """What --json printed: one document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


async def run_command(
    module: str, *args: str | Path, env: Mapping[str, str] | None = None
) -> Ended:
    """Run one of our commands in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, args),
        env={**os.environ, "NO_COLOR": "1", **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return Ended(process.returncode or 0, out.decode(), err.decode())


def names(things: Iterable[Json], key: str = "name") -> list[str]:
    return [thing[key] for thing in things]
