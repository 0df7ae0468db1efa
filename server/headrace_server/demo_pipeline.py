"""The end of the demo: work that starts itself, on a schedule and on calls from outside."""

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headrace.v1.run_pb2 import Run
from headrace.v1.trigger_pb2 import Trigger
from rich.console import Console

from headrace_client import Client
from headrace_client.commands.applying import applied, read_files
from headrace_client.commands.output import Output, when
from headrace_client.commands.run_story import RunStory
from headrace_client.commands.run_tables import run_status, show_steps
from headrace_client.commands.trigger_tables import show_history
from headrace_client.errors import NotFoundError

_MOUNT, _FILE = "/incoming", "prices.csv"
_TABLE, _MART = "raw.price_list", "best_sellers"
_PIPELINE, _NIGHTLY, _PUSHED = "price_list", "nightly", "pushed"
_DAY = timedelta(days=1)
_BEST_SELLERS = """\
SELECT p.sku, p.name, l.price AS list_price, sum(i.quantity) AS sold, sum(i.line_total) AS revenue
FROM order_items i
JOIN products p ON p.product_id = i.product_id
LEFT JOIN raw.price_list l ON l.sku = p.sku
GROUP BY p.sku, p.name, l.price
"""


class PipelineDemo:
    """A price list that is imported each night, told on a console."""

    def __init__(self, client: Client, incoming: Path, console: Console) -> None:
        """Take the folder of files that the server may read."""
        self._client = client
        self._incoming = incoming
        self._output = Output(json=False)
        self._output.console = console
        self._output.for_people = console.is_terminal
        #: the last export that a run made; empty before
        self.export_id = ""

    async def run(self, sample: Path) -> bool:
        """Run it with the files of the sample; False where a run did not succeed."""
        await self._prepare(sample / "products_0001.ndjson")
        declared = read_files([sample / "price_list.yaml"])
        await applied(self._client, declared, self._output, ask=False, dry_run=False)
        nightly, pushed = await self._trigger(_NIGHTLY), await self._trigger(_PUSHED)
        self._output.line("\n  The time of the night that has gone by is made up for:")
        start = datetime.now(UTC) - _DAY
        missed = await self._client.backfill_trigger(nightly, start, every_time=True)
        good = [await self._followed(each.run_id) for each in missed.executions]
        self._output.line("\n  A signed call from outside starts it once more:")
        rotated = await self._client.rotate_trigger_secret(pushed, keep_seconds=0)
        called = await self._client.fire_webhook(pushed, b'{"from": "the demo"}', rotated.secret)
        good.append(await self._followed(called.run_id))
        for name, trigger_id in ((_NIGHTLY, nightly), (_PUSHED, pushed)):
            await self._show_history(name, trigger_id)
        (tonight,) = (await self._client.preview_trigger(nightly, limit=1)).times
        self._output.line(f"\n  It goes on by itself at {when(tonight, 'fires_at')}")
        return len(missed.executions) > 0 and all(good)

    async def _prepare(self, products: Path) -> None:
        """Lay a file down, and make the mart that the pipeline refreshes."""
        _write_prices(products, self._incoming / _FILE)
        await self._client.mount(_MOUNT, str(self._incoming))
        try:
            await self._client.get_datamart(_MART)
        except NotFoundError:
            # A mart is of tables that are there.
            first = await self._client.import_file(
                f"{_MOUNT}/{_FILE}", target_table=_TABLE, key_columns=["sku"]
            )
            async for _ in self._client.watch(first.import_id):
                pass
            await self._client.create_datamart(_MART, _BEST_SELLERS)

    async def _trigger(self, name: str) -> str:
        """Return the id of a trigger that the file declares."""
        triggers: list[Trigger] = [each async for each in self._client.list_triggers(_PIPELINE)]
        return next(each.trigger_id for each in triggers if each.name == name)

    async def _followed(self, run_id: str) -> bool:
        """Show a run to its end; whether all of it succeeded."""
        run = Run()
        with RunStory(self._output) as story:
            async for run in self._client.watch_run(run_id):
                story.tell(run, datetime.now().astimezone())
        if self._output.for_people:  # what was drawn live is gone
            show_steps(run, self._output)
        self._output.line(f"{run_status(run)}, {run.rows_processed:,} rows")
        for step in run.steps:
            if "export_id" in step.output.fields:
                self.export_id = step.output.fields["export_id"].string_value
        return run.status == Run.SUCCEEDED and not run.failed_steps

    async def _show_history(self, name: str, trigger_id: str) -> None:
        history = [each async for each in self._client.list_trigger_history(trigger_id)]
        self._output.line(f"\n  What the trigger {name} started:")
        show_history(history, self._output)


def _write_prices(products: Path, target: Path) -> None:
    """Write the prices of products as the list that a supplier might send."""
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("sku", "price"))
        for line in products.read_text("utf-8").splitlines():
            product = json.loads(line)
            writer.writerow((product["sku"], product["price"]))
