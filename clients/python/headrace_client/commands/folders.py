"""folders."""

from enum import Enum
from typing import Annotated

import typer
from headrace.v1.storage_pb2 import FolderWatch
from headrace.v1.storage_pb2 import ImportOptions as Options
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
from headrace_client.commands.output import Output, when
from headrace_client.commands.session import CLEAN, EPILOG, run, usage_errors

app = typer.Typer(no_args_is_help=True, help="Watched folders, whose new files are imported.")

_STYLES: dict[FolderWatch.Status, str] = {FolderWatch.SUCCESS: "green", FolderWatch.FAILED: "red"}


class OverwriteName(Enum):
    """The names of what becomes of files that are written again, as typed."""

    IGNORE = "ignore"
    REIMPORT = "reimport"
    NEW_VERSION = "new-version"


_OVERWRITES: dict[OverwriteName, FolderWatch.OnOverwrite] = {
    OverwriteName.IGNORE: FolderWatch.IGNORE,
    OverwriteName.REIMPORT: FolderWatch.REIMPORT,
    OverwriteName.NEW_VERSION: FolderWatch.NEW_VERSION,
}


@app.command("list", epilog=EPILOG)
def list_watches(context: typer.Context) -> None:
    """List the watched folders, and how the last look at each went. With --json one a line."""

    async def work(client: Client, output: Output) -> int:
        watches = [watch async for watch in client.list_watches()]
        if output.json:
            for watch in watches:
                output.document(watch)
        elif watches:
            _show_list(watches, output)
        else:
            output.say(f"no folder is watched yet: {output.command('folders watch FOLDER')}")
        return CLEAN

    run(context, work)


@app.command("watch", epilog=EPILOG)
def watch(
    context: typer.Context,
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="A folder of a mount, such as /mnt/share/in.")
    ],
    *,
    pattern: Annotated[
        list[str] | None,
        typer.Option(help='Names that count, such as "*.csv"; all if not given. Several times.'),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", help="Whether folders below it count too.")
    ] = False,
    auto_import: Annotated[
        bool, typer.Option(help="Whether files are imported by themselves, or only noticed.")
    ] = True,
    on_overwrite: Annotated[
        OverwriteName | None,
        typer.Option(
            case_sensitive=False,
            help="What becomes of a file that is written again; reimport if not given.",
        ),
    ] = None,
    stable: Annotated[
        float | None,
        typer.Option(help="Seconds that a file must stay unchanged before it is taken; 5."),
    ] = None,
    poll: Annotated[
        float | None, typer.Option(help="Seconds between two looks at the folder; 5.")
    ] = None,
    notify_url: Annotated[str, typer.Option(help="Is told of each import by a POST.")] = "",
    notify_email: Annotated[str, typer.Option(help="Is told of each import by mail.")] = "",
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
    """Watch a folder and import its files, those that are there and those that come.

    The same folder again replaces its watch. `headrace files watch` shows what happens.

    Examples:
    - `headrace folders watch /mnt/share/in --pattern "*.csv" --pattern "*.xlsx" --recursive`
    - `headrace folders watch /inbox --table raw.prices --key sku --stable 0.5`

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
    overwritten = (
        _OVERWRITES[on_overwrite] if on_overwrite else FolderWatch.ON_OVERWRITE_UNSPECIFIED
    )

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            watched = await client.watch_folder(
                folder,
                file_patterns=pattern or (),
                recursive=recursive,
                auto_import=auto_import,
                target_table=table,
                schema_inference=infer,
                on_overwrite=overwritten,
                stable_seconds=stable,
                poll_seconds=poll,
                notification_email=notify_email,
                notification_url=notify_url,
                **options,
            )
        if output.json:
            output.document(watched)
        else:
            _show(watched, output)
        return CLEAN

    run(context, work)


@app.command("stop", epilog=EPILOG)
def stop(
    context: typer.Context,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="The folder, or the watch's id.")],
) -> None:
    """Stop watching a folder; what it noticed stays known, and imports that have begun go on."""

    async def work(client: Client, output: Output) -> int:
        await client.stop_watch(await watch_id(client, folder))
        output.say(f"stopped {escape(folder)}")
        return CLEAN

    run(context, work)


async def watch_id(client: Client, named: str) -> str:
    """Return the id of the watch of a folder, or what is one. Raises typer.BadParameter."""
    if not named.startswith("/"):
        return named
    async for found in client.list_watches():
        if found.folder_path == named.rstrip("/"):
            return found.watch_id
    raise typer.BadParameter(f"{named} is not watched; see `headrace folders list`")


def _show_list(watches: list[FolderWatch], output: Output) -> None:
    rows = [
        (
            escape(found.folder_path),
            escape(_patterns(found)),
            escape(_target(found)),
            _status(found),
            f"{found.files_detected:,}",
            when(found, "looked_at"),
            found.watch_id,
        )
        for found in watches
    ]
    columns = ("folder", "files", "into", "status", ">noticed", "looked at", "id")
    output.table(columns, rows, markup=True, spare=("looked at", "id", "files"))
    for found in watches:
        if found.HasField("error"):
            output.line(f"[red]{escape(f'{found.folder_path}: {found.error}')}[/]")


def _show(watched: FolderWatch, output: Output) -> None:
    overwritten = FolderWatch.OnOverwrite.Name(watched.on_overwrite).lower().replace("_", " ")
    pairs = [
        ("id", watched.watch_id),
        ("folder", escape(watched.folder_path) + (", recursively" if watched.recursive else "")),
        ("files", escape(_patterns(watched))),
        ("into", escape(_target(watched))),
        ("taken", f"after {watched.stable_seconds:g} s without a change"),
        ("written again", overwritten),
        ("next", output.command("files watch")),
    ]
    output.facts(pairs)


def _status(found: FolderWatch) -> str:
    return f"[{_STYLES.get(found.status, 'cyan')}]{FolderWatch.Status.Name(found.status)}[/]"


def _patterns(found: FolderWatch) -> str:
    return ", ".join(found.patterns) or "all"


def _target(found: FolderWatch) -> str:
    """Where files go, in words."""
    if not found.auto_import:
        return "nowhere: they are only noticed"
    config = found.import_config
    words = config.target_table or "tables by their names"
    mode = Options.Mode.Name(config.options.mode).lower() if config.options.mode else ""
    return f"{words}, {mode}" if mode else words
