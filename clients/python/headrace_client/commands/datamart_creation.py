"""datamarts create."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from headrace.v1.datamart_pb2 import Datamart

from headrace_client.client import Client
from headrace_client.commands.datamart_refreshes import Name, follow, newest_refreshes, parted
from headrace_client.commands.datamart_tables import full_name, show_datamart
from headrace_client.commands.output import Output
from headrace_client.commands.queries import query_of, told_with_tables
from headrace_client.commands.session import CLEAN, EPILOG, run, usage_errors
from headrace_client.errors import HeadraceError


class TypeName(Enum):
    """The names of what rows are kept in, as typed."""

    MATERIALIZED_VIEW = "materialized-view"
    TABLE = "table"
    VIEW = "view"


class StrategyName(Enum):
    """The names of when rows are brought up to date, as typed."""

    ON_DEMAND = "on-demand"
    ON_COMMIT = "on-commit"
    SCHEDULED = "scheduled"


_TYPES: dict[TypeName | None, Datamart.Type] = {
    None: Datamart.TYPE_UNSPECIFIED,
    TypeName.MATERIALIZED_VIEW: Datamart.MATERIALIZED_VIEW,
    TypeName.TABLE: Datamart.TABLE,
    TypeName.VIEW: Datamart.VIEW,
}
_STRATEGIES: dict[StrategyName | None, Datamart.RefreshStrategy] = {
    None: Datamart.REFRESH_STRATEGY_UNSPECIFIED,
    StrategyName.ON_DEMAND: Datamart.ON_DEMAND,
    StrategyName.ON_COMMIT: Datamart.ON_COMMIT,
    StrategyName.SCHEDULED: Datamart.SCHEDULED,
}

TimeZoneOption = Annotated[
    str, typer.Option(help="The time zone of the schedule, such as Europe/Berlin; UTC.")
]
ConcurrentOption = Annotated[
    bool | None,
    typer.Option(help="Whether readers are left undisturbed by its refreshes; they are."),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(create)


def create(
    context: typer.Context,
    name: Name,
    *,
    query: Annotated[
        str | None, typer.Option("--query", "-q", metavar="SQL", help="The query.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", exists=True, dir_okay=False, help="Read the query from FILE."),
    ] = None,
    datamart_type: Annotated[
        TypeName | None,
        typer.Option(
            "--type", case_sensitive=False, help="What rows are kept in; a materialized view."
        ),
    ] = None,
    refresh: Annotated[
        StrategyName | None,
        typer.Option(
            case_sensitive=False,
            help="When rows are brought up to date: when asked for, after loads of what it reads, "
            "or by --schedule.",
        ),
    ] = None,
    schedule: Annotated[
        str, typer.Option(metavar="CRON", help='A cron expression, such as "0 2 * * *".')
    ] = "",
    time_zone: TimeZoneOption = "",
    concurrent: ConcurrentOption = None,
    schema: Annotated[str, typer.Option(help="Instead of SCHEMA in front of the name.")] = "",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    note: Annotated[
        list[str] | None, typer.Option(metavar="NAME=TEXT", help="Whatever else. Several times.")
    ] = None,
    version: Annotated[
        str, typer.Option(help="Make a version of it, such as v2; NAME reads the newest.")
    ] = "",
    retention_days: Annotated[
        int | None,
        typer.Option(min=1, help="Days that a version is kept behind a newer one; 90."),
    ] = None,
) -> None:
    """Create a datamart; without --query and --file the query comes from standard input.

    It is in the words of the warehouse's database, as that of `headrace sql`. Rows are there after
    the first refresh. Ends with status 2 where something is wrong or refused.

    Examples:
    - `headrace datamarts create sales --query "SELECT day, sum(amount) FROM orders GROUP BY day"`
    - `headrace datamarts create sales --file sales.sql --refresh on-commit`
    - `headrace datamarts create sales -f sales.sql --schedule "0 2 * * *" --time-zone Asia/Tokyo`
    - `headrace datamarts create segments -f v2.sql --version v2 --retention-days 30`

    """
    at, name = parted(name)
    schema = schema or at
    common: dict[str, Any] = {
        "schema": schema,
        "datamart_type": _TYPES[datamart_type],
        "description": description,
        "metadata": _notes(note) if note else None,
    }
    if version and (refresh or schedule or time_zone or concurrent is not None):
        raise typer.BadParameter("a --version is refreshed when it is created, and never again")
    if retention_days is not None and not version:
        raise typer.BadParameter("--retention-days is for a --version")
    text = query_of(query, file)

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            try:
                if version:
                    return await _create_version(
                        client, output, name, text, version, retention_days, common
                    )
                made = await client.create_datamart(
                    name,
                    text,
                    refresh_strategy=_STRATEGIES[refresh],
                    schedule=schedule,
                    time_zone=time_zone,
                    concurrent=concurrent,
                    **common,
                )
            except HeadraceError as error:
                return await told_with_tables(client, error, text)
        _print(made, output)
        if made.refresh_required and made.refresh_strategy != Datamart.ON_COMMIT:
            output.say(f"next: {output.command(f'datamarts refresh {full_name(made)}')}")
        return CLEAN

    run(context, work)


async def _create_version(
    client: Client,
    output: Output,
    name: str,
    query: str,
    version: str,
    retention_days: int | None,
    common: dict[str, Any],
) -> int:
    made = await client.create_versioned_datamart(
        name, query, version, retention_days=retention_days, wait_seconds=0, **common
    )
    status = CLEAN
    if made.type != Datamart.VIEW:
        for begun in await newest_refreshes(client, made.schema, made.name, 1):
            status = await follow(client, output, begun, quiet=True)
    _print(await client.get_datamart(made.name, schema=made.schema), output)
    return status


def _notes(notes: list[str]) -> dict[str, str]:
    pairs = [note.partition("=") for note in notes]
    for name, equals, text in pairs:
        if not (name and equals):
            raise typer.BadParameter(
                f"{name + equals + text!r} is no NAME=TEXT", param_hint="--note"
            )
    return {name: text for name, _, text in pairs}


def _print(datamart: Datamart, output: Output) -> None:
    if output.json:
        output.document(datamart)
    else:
        show_datamart(datamart, output)
