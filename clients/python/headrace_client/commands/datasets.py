"""datasets."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import Parse, ParseError
from headrace.v1.dataset_pb2 import Dataset, DatasetDeclaration, ScoreEntry
from headrace.v1.readiness_service_pb2 import ListDatasetsRequest
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.dataset_tables import show_dataset, show_history, show_list
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, run
from headrace_client.scores import small_bars, status_markup

_FIELDS = "Its fields: " + ", ".join(DatasetDeclaration.DESCRIPTOR.fields_by_name)

app = typer.Typer(no_args_is_help=True, help="Datasets, and how ready they are for use.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The full name of a dataset, or its id.")]
Rule = Annotated[str, typer.Argument(metavar="RULE", help="The name of a rule, as `show` has it.")]


class StatusName(Enum):
    """The names of the statuses, as typed."""

    GOLD = "gold"
    PRODUCTION_READY = "production-ready"
    INTERNAL = "internal"
    DRAFT = "draft"


class OrderName(Enum):
    """The names of the orders, as typed."""

    NAME = "name"
    BEST_FIRST = "best-first"
    WORST_FIRST = "worst-first"


_STATUSES: dict[StatusName, Dataset.ReadinessStatus] = {
    StatusName.GOLD: Dataset.GOLD,
    StatusName.PRODUCTION_READY: Dataset.PRODUCTION_READY,
    StatusName.INTERNAL: Dataset.INTERNAL,
    StatusName.DRAFT: Dataset.DRAFT,
}
_ORDERS: dict[OrderName, ListDatasetsRequest.Order] = {
    OrderName.NAME: ListDatasetsRequest.NAME,
    OrderName.BEST_FIRST: ListDatasetsRequest.BEST_FIRST,
    OrderName.WORST_FIRST: ListDatasetsRequest.WORST_FIRST,
}


@app.command("list", epilog=EPILOG)
def list_datasets(
    context: typer.Context,
    status: Annotated[
        StatusName | None, typer.Option(case_sensitive=False, help="Only those of this status.")
    ] = None,
    search: Annotated[str, typer.Option(help="Only those with this in their full name.")] = "",
    order: Annotated[
        OrderName, typer.Option(case_sensitive=False, help="What comes first.")
    ] = OrderName.NAME,
) -> None:
    """List datasets with their scores. With --json each is one line.

    Examples:
    - `headrace datasets list --status draft`
    - `headrace datasets list --order worst-first`

    """

    async def work(client: Client, output: Output) -> int:
        found = client.list_datasets(
            status=_STATUSES[status] if status else Dataset.READINESS_STATUS_UNSPECIFIED,
            search=search,
            order_by=_ORDERS[order],
        )
        datasets = [dataset async for dataset in found]
        if output.json:
            for dataset in datasets:
                output.document(dataset)
        elif datasets:
            show_list(datasets, output)
        else:
            output.say("no such datasets")
        return CLEAN

    run(context, work)


@app.command("show", epilog=EPILOG)
def show(context: typer.Context, name: Name) -> None:
    """Show a dataset, its score by dimension, why points are lost, and what wins them."""
    _on_dataset(context, lambda client: client.get_dataset(name))


@app.command("score", epilog=EPILOG)
def score(context: typer.Context, name: Name) -> None:
    """Score a dataset anew, and show it."""
    _on_dataset(context, lambda client: client.score_dataset(name))


@app.command("observe", epilog=EPILOG)
def observe(context: typer.Context, name: Name) -> None:
    """Profile a table of the warehouse and score what was seen; loads do so by themselves."""
    _on_dataset(context, lambda client: client.observe_dataset(name))


@app.command("declare", epilog=EPILOG)
def declare(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="A JSON object with a full_name."
        ),
    ],
) -> None:
    """Declare a dataset, or replace all that is declared of it.

    FILE holds an object such as `{"full_name": "public.orders", "owner": {"name": "Dana"}, "tags":
    ["shop"]}`; README tells where all its fields are described.
    """
    try:
        declaration = Parse(file.read_text("utf-8"), DatasetDeclaration())
    except (ParseError, UnicodeDecodeError) as error:
        # Behind the first line it lists fields by names that no documentation uses.
        why = str(error).splitlines()[0].rstrip(".")
        raise typer.BadParameter(f"{file} is no declaration: {why}. {_FIELDS}") from None
    _on_dataset(context, lambda client: client.upsert_dataset(declaration))


@app.command("history", epilog=EPILOG)
def history(
    context: typer.Context,
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most scores.")] = 50,
) -> None:
    """Show the scores of a dataset as a line. With --json each is a line, newest first."""

    async def work(client: Client, output: Output) -> int:
        entries: list[ScoreEntry] = []
        async for entry in client.list_score_history(name, page_size=limit):
            entries.append(entry)
            if len(entries) == limit:
                break
        if output.json:
            for entry in entries:
                output.document(entry)
        else:
            show_history(entries, output)
        return CLEAN

    run(context, work)


@app.command("watch", epilog=EPILOG)
def watch(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Only this dataset, by full name or id.")
    ] = "",
) -> None:
    """Follow the scores, a line for each change, until Ctrl-C."""

    async def work(client: Client, output: Output) -> int:
        scores: dict[str, int] = {}
        async for datasets in client.watch_readiness(name):
            for dataset in datasets:
                if output.json:
                    output.document(dataset)
                else:
                    output.line(_change_line(dataset, scores.get(dataset.id)))
                scores[dataset.id] = dataset.readiness_score
        return CLEAN

    run(context, work)


def _change_line(dataset: Dataset, before: int | None) -> str:
    now = dataset.readiness_score
    change = f"{now - before:+d}" if before is not None and before != now else ""
    return (
        f"{now:>3} {change:>4} {small_bars(dataset.dimension_scores)} "
        f"{status_markup(dataset.readiness_status)} {escape(dataset.full_name)}"
    )


@app.command("waive", epilog=EPILOG)
def waive(
    context: typer.Context,
    name: Name,
    rule: Rule,
    because: Annotated[str, typer.Option(help="Why the loss is excused.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="For how long.")] = 30,
) -> None:
    """Excuse the losses of a rule for some days. Needs an admin key.

    Example:
    - `headrace datasets waive analytics.users steward_named --because "hired in May" --days 60`

    """
    ends = datetime.now(UTC) + timedelta(days=days)
    _on_dataset(context, lambda client: client.grant_waiver(name, rule, because, ends))


@app.command("unwaive", epilog=EPILOG)
def unwaive(context: typer.Context, name: Name, rule: Rule) -> None:
    """Take a waiver back. Needs an admin key."""
    _on_dataset(context, lambda client: client.revoke_waiver(name, rule))


@app.command("mock", epilog=EPILOG)
def mock(context: typer.Context) -> None:
    """Make the ten sample datasets, or bring them up to date."""

    async def work(client: Client, output: Output) -> int:
        made = await client.ingest_mock_datasets()
        if output.json:
            output.document(made)
        else:
            names = {dataset.full_name for dataset in made.datasets}
            show_list([d async for d in client.list_datasets() if d.full_name in names], output)
        return CLEAN

    run(context, work)


def _on_dataset(context: typer.Context, call: Callable[[Client], Awaitable[Dataset]]) -> None:
    async def work(client: Client, output: Output) -> int:
        dataset = await call(client)
        if output.json:
            output.document(dataset)
        else:
            show_dataset(dataset, output)
        return CLEAN

    run(context, work)
