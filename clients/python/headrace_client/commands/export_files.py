"""Exports followed, downloaded, and those that the server keeps: list, show, download, cancel."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.export_pb2 import Export
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.downloads import save
from headrace_client.commands.export_options import STANDARD_OUTPUT, TargetOption, checked
from headrace_client.commands.output import Output, as_dict, when
from headrace_client.commands.queries import told_with_tables
from headrace_client.commands.session import (
    CLEAN,
    EPILOG,
    FAILED,
    WITH_ERRORS,
    run,
    settings_of,
    usage_errors,
)
from headrace_client.errors import HeadraceError
from headrace_client.progress import count_text, size_text
from headrace_client.row_bars import RowBar

_STYLES: dict[Export.Status, str] = {
    Export.COMPLETED: "green",
    Export.FAILED: "red",
    Export.CANCELLED: "red",
}

ExportId = Annotated[str, typer.Argument(metavar="ID", help="The id of an export.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("list", epilog=EPILOG)(list_exports)
    for command in (show, download, cancel):
        app.command(epilog=EPILOG)(command)


def export_into(
    context: typer.Context,
    target: Path | None,
    start: Callable[[Client], Awaitable[Export]],
    query: str = "",
) -> None:
    """Start an export, follow it, download its file to `target`, and exit with its status.

    What is wrong with `query` is shown in its place.
    """
    running: list[str] = []

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            try:
                begun = await start(client)
            except HeadraceError as error:
                return await told_with_tables(client, error, query)
        running.append(begun.export_id)
        status = await _fetch(client, output, begun, target)
        running.clear()
        return status

    def way_on() -> str:
        output = settings_of(context).output()
        return "".join(
            f"the export goes on at the server: {output.command(f'export download {each}')}, "
            f"{output.command(f'export cancel {each}')}"
            for each in running
        )

    run(context, work, way_on=way_on)


async def _fetch(client: Client, output: Output, begun: Export, target: Path | None) -> int:
    ended = begun
    if not begun.terminal:
        with RowBar(output.remarks, begun.file_name or begun.export_id) as bar:
            async for ended in client.watch_export(begun.export_id):
                total = ended.total_rows if ended.HasField("total_rows") else None
                bar.show(_status_text(ended), ended.rows_exported, total)
            if ended.status == Export.COMPLETED:
                bar.ended(_status_text(ended), ended.rows_exported)
    if ended.status != Export.COMPLETED:
        _print(ended, output)
        return FAILED
    # A name that came from elsewhere leads to no other folder.
    path = target or Path(Path(ended.file_name).name)
    if path == STANDARD_OUTPUT:
        await _pipe(client, ended)
        _remark(ended, output)
    else:
        await save(client.download_export(ended.export_id), path)
        _tell(ended, path, output)
    return WITH_ERRORS if ended.truncated else CLEAN


async def _pipe(client: Client, export: Export) -> None:
    async with aclosing(client.download_export(export.export_id)) as blocks:
        async for block in blocks:
            typer.echo(block, nl=False)


def _tell(export: Export, path: Path, output: Output) -> None:
    if output.json:
        output.document({**as_dict(export), "path": str(path)})
        return
    sheets = f", sheets {', '.join(export.sheets)}" if export.sheets else ""
    output.line(
        f"wrote [bold]{escape(str(path))}[/], {size_text(export.file_size_bytes)}, "
        f"{_rows_text(export)}{escape(sheets)}"
    )
    _remark(export, output)


def _rows_text(export: Export) -> str:
    if not export.truncated:
        return count_text(export.rows_exported, "row")
    total = f"{export.total_rows:,}" if export.HasField("total_rows") else "more"
    return f"[yellow]only {export.rows_exported:,} of {total} rows[/]"


def _remark(export: Export, output: Output) -> None:
    """Say what is not in the file as it is in the warehouse."""
    for warning in export.warnings:
        output.remarks.print(f"[yellow]{escape(warning)}[/]", soft_wrap=True)


def list_exports(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="The most exports to list.")] = 20,
) -> None:
    """List the exports whose files the server keeps, newest first. With --json one a line."""

    async def work(client: Client, output: Output) -> int:
        found: list[Export] = []
        async for each in client.list_exports(page_size=min(limit, 1000)):
            found.append(each)
            if len(found) == limit:
                break
        if output.json:
            for each in found:
                output.document(each)
        elif found:
            _show_list(found, output)
        else:
            output.say("no exports")
        return CLEAN

    run(context, work)


def show(context: typer.Context, export_id: ExportId) -> None:
    """Show an export, with the link under which its file is read without a key.

    Exit status: 0 the file is there or on its way, 1 failed or cancelled.
    """

    async def work(client: Client, output: Output) -> int:
        found = await client.get_export(export_id)
        _print(found, output)
        return FAILED if found.status in {Export.FAILED, Export.CANCELLED} else CLEAN

    run(context, work)


def download(context: typer.Context, export_id: ExportId, target: TargetOption = None) -> None:
    """Download the file of an export, once it is there.

    Exit status: 0 all rows are in the file, 3 some were cut, 1 failed.
    """
    checked(target)

    async def work(client: Client, output: Output) -> int:
        return await _fetch(client, output, await client.get_export(export_id), target)

    run(context, work)


def cancel(context: typer.Context, export_id: ExportId) -> None:
    """End an export that has not ended; nothing of its file stays."""

    async def work(client: Client, output: Output) -> int:
        known = await client.get_export(export_id)
        if known.terminal:
            output.remarks.print(f"already {_status_text(known)}", soft_wrap=True)
        else:
            known = await client.cancel_export(export_id)
        _print(known, output)
        return CLEAN

    run(context, work)


def _status_text(export: Export) -> str:
    return f"[{_STYLES.get(export.status, 'cyan')}]{Export.Status.Name(export.status)}[/]"


def _show_list(exports: list[Export], output: Output) -> None:
    rows = [
        (
            each.export_id,
            escape(each.file_name),
            _status_text(each),
            f"{each.rows_exported:,}",
            size_text(each.file_size_bytes),
            when(each, "created_at"),
            when(each, "expires_at"),
        )
        for each in exports
    ]
    columns = ("export", "file", "status", ">rows", ">size", "created", "kept until")
    output.table(columns, rows, markup=True, spare=("created", ">size", "kept until"))


def _print(export: Export, output: Output) -> None:
    if output.json:
        output.document(export)
        return
    pairs = [
        ("export", export.export_id),
        ("file", escape(export.file_name)),
        ("status", _status_text(export)),
        ("rows", _rows_text(export)),
        ("size", size_text(export.file_size_bytes)),
        ("kept until", when(export, "expires_at")),
    ]
    if export.download_url:
        pairs.append(("link", escape(export.download_url)))
    if export.HasField("error"):
        pairs.append(("error", f"[red]{escape(export.error)}[/]"))
    output.facts(pairs)
    _remark(export, output)
