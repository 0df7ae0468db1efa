"""import."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.priority_pb2 import Priority
from headrace.v1.storage_pb2 import Import, Mount
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.import_options import (
    DelimiterOption,
    EncodingOption,
    FormatOption,
    HeaderOption,
    InferOption,
    KeyOption,
    ModeOption,
    NewColumnsOption,
    NullOption,
    QuoteOption,
    SheetOption,
    SkipLinesOption,
    TableOption,
    TypeChangesOption,
    TypeOption,
    import_options,
)
from headrace_client.commands.ingest import PriorityOption, priority_of
from headrace_client.commands.output import Output
from headrace_client.commands.session import (
    CLEAN,
    EPILOG,
    exit_status,
    follow_text,
    run,
    settings_of,
    usage_errors,
)
from headrace_client.errors import InvalidRequestError, NotFoundError
from headrace_client.progress import IngestionProgress, follow, rows_text, status_text


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("import", epilog=EPILOG)(import_file)


def import_file(
    context: typer.Context,
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A file of a mount, such as /mnt/share/orders.csv."),
    ],
    *,
    wait: Annotated[bool, typer.Option(help="Whether to follow the import to its end.")] = True,
    priority: PriorityOption = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="The same import under the same key is the same for a day."),
    ] = None,
    table: TableOption = "",
    mode: ModeOption = None,
    key: KeyOption = None,
    types: TypeOption = None,
    null: NullOption = None,
    infer: InferOption = None,
    new_columns: NewColumnsOption = None,
    type_changes: TypeChangesOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    quote: QuoteOption = None,
    has_header: HeaderOption = None,
    skip_lines: SkipLinesOption = None,
    file_format: FormatOption = None,
    sheet: SheetOption = None,
) -> None:
    """Import a file of a mount into a table: CSV, JSON, NDJSON, XLSX or Parquet.

    Format, dialect and types are found out, and the table is made if there is none. Exit status: 0
    clean, 3 some rows were kept aside (see `headrace rejects`), 1 failed, 2 refused.

    Examples:
    - `headrace import /mnt/share/customers.csv`
    - `headrace import /mnt/share/prices.xlsx --table raw.prices --key sku --sheet 2026`
    - `headrace import /mnt/share/log.csv --type "code=VARCHAR(8)" --null N/A --no-wait --json`

    """
    options = import_options(
        mode=mode,
        types=types,
        new_columns=new_columns,
        type_changes=type_changes,
        key_columns=key,
        null_values=null,
        delimiter=delimiter,
        encoding=encoding,
        quote=quote,
        has_header=has_header,
        skip_lines=skip_lines,
        format=file_format,
        sheet=sheet,
    )
    running: list[str] = []

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            try:
                begun = await client.import_file(
                    file,
                    target_table=table,
                    infer_schema=infer,
                    priority=priority_of(priority) or Priority.PRIORITY_UNSPECIFIED,
                    wait_seconds=0,
                    idempotency_key=idempotency_key,
                    **options,
                )
            except (InvalidRequestError, NotFoundError):
                way = way_in(file, [mount async for mount in client.list_mounts()])
                if way:
                    raise typer.BadParameter(way) from None
                raise
        if not wait:
            await _print(client, begun, output)
            return CLEAN
        running.append(begun.import_id)
        with IngestionProgress(output.remarks, total=False) as progress:
            row = progress.add(Path(file).name, 0)
            ended = await follow(client, begun.import_id, row)
        running.clear()
        await _print(client, await client.get_import(begun.import_id), output)
        return exit_status(ended)

    def way_on() -> str:
        return "".join(follow_text(each, settings_of(context).output()) for each in running)

    run(context, work, way_on=way_on)


def way_in(file: str, mounts: Sequence[Mount]) -> str:
    """Return how a file that is below no mount can be imported; empty for one that is."""
    if any(file.startswith(f"{mount.local_path.rstrip('/')}/") for mount in mounts):
        return ""
    here = Path(file).resolve()
    for mount in mounts:
        if mount.storage_type == Mount.LOCAL and here.is_relative_to(mount.network_path):
            named = Path(mount.local_path) / here.relative_to(mount.network_path)
            return f"{file} is below no mount, but {named} may be the same file"
    if here.is_file():
        return (
            f"{file} is below no mount: `headrace mounts add /{here.parent.name} {here.parent}` "
            "mounts its folder where the server may read it; `headrace ingest` uploads JSON lines "
            "for the table of a contract"
        )
    return f"{file} is below no mount; see `headrace mounts list` and `headrace mounts add --help`"


async def _print(client: Client, found: Import, output: Output) -> None:
    if output.json:
        output.document(found)
        return
    _show(found, output)
    if found.inferred_schema:
        output.line("")
        output.table(("column", "type"), await _columns(client, found))


async def _columns(client: Client, found: Import) -> list[tuple[str, str]]:
    """Return the columns with their types, in the order of the table where there is one."""
    schema, _, name = found.target_table.rpartition(".")
    try:
        table = await client.describe_table(name, schema)
    except NotFoundError:
        return sorted(found.inferred_schema.items())
    places = {column.name: place for place, column in enumerate(table.columns)}
    last = len(places)
    return sorted(found.inferred_schema.items(), key=lambda each: (places.get(each[0], last), each))


def _show(found: Import, output: Output) -> None:
    ingestion = Ingestion(
        status=Import.Status.Name(found.status),
        rows_loaded=found.rows_imported,
        rows_rejected=found.rows_rejected,
        rows_parked=found.rows_parked,
    )
    pairs = [
        ("id", found.import_id),
        ("file", escape(found.file_path)),
        ("table", escape(found.target_table)),
        ("status", status_text(ingestion)),
        ("rows", rows_text(ingestion)),
    ]
    if found.HasField("import_duration_seconds"):
        pairs.append(("took", f"{found.import_duration_seconds:.1f} s"))
    if found.HasField("detected_format"):
        pairs.append(("format", found.detected_format))
    if found.HasField("details"):
        pairs.append(("details", escape(found.details)))
    if found.rows_rejected or found.rows_parked:
        pairs.append(("next", output.command(f"rejects {found.import_id}")))
    elif found.status in {Import.FAILED, Import.CANCELLED}:
        pairs.append(("next", output.command(f"retry {found.import_id}")))
    output.facts(pairs)
