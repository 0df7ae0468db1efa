"""The main job on real files, in one go, with the client library."""

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path

from headrace.v1.contract_pb2 import Contract
from headrace.v1.dataset_pb2 import Dataset
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.warehouse_pb2 import WarehouseTable
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from headrace_client import Client
from headrace_client.errors import HeadraceError, NotFoundError
from headrace_client.ingestions import Filter
from headrace_client.progress import IngestionProgress, follow, rows_text, status_text
from headrace_client.scores import bar, dimension_lines, status_markup
from headrace_server.app import open_core
from headrace_server.config import Config
from headrace_server.logs import log_to_file
from headrace_server.processes import asked_to_stop, running_gateway
from headrace_server.running import running_server, running_worker

#: children before their parents, on purpose
CHILDREN = ("order_items_2010-12.ndjson", "orders_2010-12.ndjson")
DAMAGED = "products_damaged.ndjson"
_POLL_SECONDS = 0.2
PARENTS = ("products_0001.ndjson", "customers_0001.ndjson")


class DemoError(Exception):
    """A call of the demo failed; the message says why."""


class Demo:
    """The steps of the demo, told on a console."""

    def __init__(self, client: Client, config: Config, folder: Path, console: Console) -> None:
        self._client = client
        self._config = config
        self._folder = folder
        self._console = console
        #: the workbook that the last run of the pipeline made
        self._export_id = ""
        #: request id of each file, in the order of arrival
        self._requests: dict[str, str] = {}

    async def run(self) -> bool:
        """Run every step; False where a row was lost or doubled."""
        self._say("1. Children before their parents: their rows are parked, not lost")
        await self._ingest(CHILDREN)
        self._say("2. A damaged file: the good rows are in, the bad ones are kept with a reason")
        await self._ingest((DAMAGED,))
        await self._show_rejects(DAMAGED)
        self._say("3. The parents arrive: what waited for them is released")
        await self._ingest(PARENTS)
        await self._show_files()
        if await self._rejected(CHILDREN[1]):
            self._say("4. Orders without a customer were rejected, their items wait. We allow them")
            await self._show_rejects(CHILDREN[1], most=2)
            await self._allow_orders_without_customer()
            await self._show_files()
        else:
            self._say("4. Orders without a customer are allowed here since an earlier run")
        await self._show_tables()
        good = await self._counts_agree()
        self._say("5. How ready the tables are for use, by what was just seen of them")
        await self._show_readiness()
        self._say("6. A pipeline starts by itself: a file in, a mart, a score, a workbook")
        return await self._run_pipeline() and good

    async def _run_pipeline(self) -> bool:
        # Commands of the client that no other process of the server needs.
        from headrace_server.demo_pipeline import PipelineDemo  # noqa: PLC0415

        incoming = Path(self._config.allowed_roots)
        pipeline = PipelineDemo(self._client, incoming, self._console)
        good = await pipeline.run(self._folder)
        self._export_id = pipeline.export_id
        return good

    async def _ingest(self, names: tuple[str, ...]) -> None:
        with IngestionProgress(self._console, total=False) as progress:
            for name in names:
                path = self._folder / name
                row = progress.add(name, path.stat().st_size)
                upload = await self._client.upload(path, on_progress=row.uploading)
                self._requests[name] = upload.request_id or ""
                ingestion = await follow(self._client, self._requests[name], row)
                if not self._console.is_terminal:
                    self._tell(f"  {name}: {status_text(ingestion)} {rows_text(ingestion)}")

    async def _allow_orders_without_customer(self) -> None:
        """Register the next version of the contract, and load the rejected orders again."""
        contract = await self._client.get_contract("commerce")
        registered = await self._client.register_contract(_with_optional_customer(contract))
        request_id = self._requests[CHILDREN[1]]
        replay = await self._client.replay_rejects(request_id)
        await follow(self._client, request_id)
        self._tell(
            f"  contract commerce version {registered.version}: customer_id of orders may be null "
            f'("nullable": true)\n  {replay.replayed} rejected orders were loaded again, and their '
            "items followed\n  The same by hand:"
        )
        self._show_commands(
            f"{self._command} contracts show commerce > commerce.json",
            f"{self._command} contracts register commerce.json  # with that change",
            f"{self._command} rejects {request_id} --replay",
        )

    async def _show_rejects(self, name: str, most: int = 10) -> None:
        table = Table(
            "line", "column", "reason", "what is wrong", title=f"rejects of {name}", box=SIMPLE_HEAD
        )
        shown = 0
        async for reject in self._client.list_rejects(
            self._requests[name], filter_by=Filter.REJECTED, page_size=most
        ):
            if shown == most:
                break
            reason = type(reject).Reason.Name(reject.reason)
            table.add_row(str(reject.line), reject.column or "-", reason, reject.message)
            shown += 1
        self._console.print(table)
        if more := await self._rejected(name) - shown:
            self._tell(f"  ... and {more:,} more")

    async def _rejected(self, name: str) -> int:
        return (await self._client.get_status(self._requests[name])).rows_rejected

    async def _show_files(self) -> None:
        # No wider than 80 columns, with the longest status.
        table = Table(box=SIMPLE_HEAD, padding=0)
        table.add_column("file", no_wrap=True)
        for heading in ("rows", "loaded", "rejected", "parked"):
            table.add_column(heading, justify="right")
        table.add_column("status", no_wrap=True)
        for name, ingestion in (await self._ingestions()).items():
            table.add_row(
                name,
                f"{_lines(self._folder / name):,}",
                f"{ingestion.rows_loaded:,}",
                f"{ingestion.rows_rejected:,}",
                f"{ingestion.rows_parked:,}",
                status_text(ingestion),
            )
        self._console.print(table)

    async def _show_tables(self) -> None:
        table = Table("table", "rows", "declared by", box=SIMPLE_HEAD)
        async for found in self._tables():
            table.add_row(f"{found.schema}.{found.name}", f"{found.rows:,}", found.contract)
        self._console.print(table)

    async def _show_readiness(self) -> None:
        """Show the datasets of the tables, each as its latest load left it."""
        table = Table("dataset", "rows seen", "score", "", "status", box=SIMPLE_HEAD)
        async for found in self._tables():
            dataset = await self._scored(found)
            table.add_row(
                dataset.full_name,
                f"{dataset.observation.rows:,}",
                str(dataset.readiness_score),
                bar(dataset.readiness_score, 100),
                status_markup(dataset.readiness_status),
            )
        self._console.print(table)
        self._tell(f"  {dataset.full_name}, by dimension:")
        for line in dimension_lines(dataset.dimension_scores):
            self._tell(f"    {line}")
        self._tell(f"  What wins most: {dataset.actions[0].description}")

    async def _tables(self) -> AsyncIterator[WarehouseTable]:
        """Yield what files were loaded into, without what a pipeline of an earlier run made."""
        async for found in self._client.list_tables():
            if found.contract:
                yield found

    async def _scored(self, table: WarehouseTable) -> Dataset:
        """Wait until what is there now was seen."""
        while True:
            with suppress(NotFoundError):
                dataset = await self._client.get_dataset(f"{table.schema}.{table.name}")
                seen = dataset.observation
                if seen.rows == table.rows and seen.updated_at == table.updated_at:
                    return dataset
            await asyncio.sleep(_POLL_SECONDS)

    async def _counts_agree(self) -> bool:
        ingestions = await self._ingestions()
        read = sum(_lines(self._folder / name) for name in ingestions)
        loaded = sum(each.rows_loaded for each in ingestions.values())
        kept = sum(each.rows_rejected + each.rows_parked for each in ingestions.values())
        tables = [found.rows async for found in self._tables()]
        agree = read == loaded + kept and sum(tables) == loaded
        self._tell(
            f"  {read:,} rows in the files = {loaded:,} loaded + {kept:,} kept aside; "
            f"{sum(tables):,} in the tables: "
            + ("[green]all there[/]" if agree else "[red]WRONG[/]")
        )
        return agree

    async def _ingestions(self) -> dict[str, Ingestion]:
        return {
            name: await self._client.get_status(request_id)
            for name, request_id in self._requests.items()
        }

    @property
    def _command(self) -> str:
        return f"uv run headrace --address {self._config.grpc_address}"

    def _say(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/]", soft_wrap=True)

    def _tell(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _show_commands(self, *commands: str) -> None:
        for command in commands:
            self._console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)

    def show_next_steps(self) -> None:
        """Print what to try next."""
        request_id = self._requests[DAMAGED]
        url = f"http://{self._config.http_address}"
        self._say("Try next, in another terminal:")
        self._show_commands(
            f"curl {url}/status/{request_id}",
            f"curl {url}/api/v1/ingest/{request_id}/rejects",
            f"curl -N -H 'Accept: text/event-stream' {url}/status/{request_id}/watch",
            f"grpcurl -plaintext {self._config.grpc_address} list headrace.v1.StatusService",
            f"{self._command} rejects {request_id}",
            f"{self._command} tables orders",
            f"{self._command} datasets show public.orders",
            f"{self._command} triggers list",
            f"{self._command} pipelines run price_list --watch",
            f"{self._command} export download {self._export_id}",
        )


async def run_demo(
    data_dir: Path | None,
    grpc_address: str | None,
    http_address: str | None,
    *,
    leave: bool,
    console: Console | None = None,
) -> bool:
    """Bring server and Envoy up, run the demo, and stay up unless `leave`; False if it failed."""
    console = console or Console()
    with _folder(data_dir) as folder, as_file(files("headrace_server") / "demo_data") as sample:
        incoming = folder.absolute() / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        config = Config(
            data_dir=folder,
            allowed_roots=str(incoming),
            grpc_address=grpc_address or _usual_or_free(50051),
            http_address=http_address or _usual_or_free(8000),
            metrics_address="",
        )
        log_to_file(folder / "server.log")
        async with AsyncExitStack() as stack:
            core = await stack.enter_async_context(open_core(config))
            await stack.enter_async_context(running_worker(core))
            await stack.enter_async_context(running_server(core))
            envoy = await stack.enter_async_context(running_gateway(core))
            # Through Envoy, as callers from outside come.
            client = await stack.enter_async_context(Client(f"http://{config.http_address}"))
            console.print(
                f"[bold]Headrace[/] is up: gRPC on {config.grpc_address}, REST and gRPC through "
                f"Envoy on {config.http_address}\ndata and logs are in {folder}",
                soft_wrap=True,
            )
            demo = Demo(client, config, sample, console)
            try:
                good = await demo.run()
            except HeadraceError as error:
                raise DemoError(f"the demo cannot go on: {error}") from error
            if not leave:
                demo.show_next_steps()
                words = "\nStill up; press Ctrl-C to stop."
                await asked_to_stop(envoy, ready=lambda: console.print(words))
    return good


def _with_optional_customer(contract: Contract) -> Contract:
    orders = next(table for table in contract.tables if table.name == "orders")
    next(column for column in orders.columns if column.name == "customer_id").nullable = True
    return contract


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n")


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    """Give the folder for the data; one of our own is deleted at the end."""
    if chosen is not None:
        yield chosen
        return
    folder = Path(tempfile.mkdtemp(prefix="headrace-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _usual_or_free(port: int) -> str:
    """Return a loopback address with the usual port, or with a free one where it is taken."""
    for candidate in (port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return f"127.0.0.1:{probe.getsockname()[1]}"
    raise OSError("no port is free on 127.0.0.1")
