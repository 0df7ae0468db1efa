"""files."""

from contextlib import aclosing
from datetime import datetime
from enum import Enum
from typing import Annotated

import typer
from headrace.v1.storage_pb2 import StoredFile
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.file_story import FileStory, show_list
from headrace_client.commands.folders import watch_id
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, FAILED, WITH_ERRORS, run

app = typer.Typer(no_args_is_help=True, help="The files of watched folders.")

FolderArgument = Annotated[
    str, typer.Argument(metavar="FOLDER", help="Only files of this watched folder.")
]


class StatusName(Enum):
    """The names of the statuses, as typed."""

    DETECTED = "detected"
    PENDING = "pending"
    IMPORTING = "importing"
    IMPORTED = "imported"
    IMPORTED_WITH_ERRORS = "imported-with-errors"
    FAILED = "failed"
    IGNORED = "ignored"
    GONE = "gone"


_STATUSES: dict[StatusName, StoredFile.Status] = {
    StatusName.DETECTED: StoredFile.DETECTED,
    StatusName.PENDING: StoredFile.PENDING,
    StatusName.IMPORTING: StoredFile.IMPORTING,
    StatusName.IMPORTED: StoredFile.IMPORTED,
    StatusName.IMPORTED_WITH_ERRORS: StoredFile.IMPORTED_WITH_ERRORS,
    StatusName.FAILED: StoredFile.FAILED,
    StatusName.IGNORED: StoredFile.IGNORED,
    StatusName.GONE: StoredFile.GONE,
}


@app.command("list", epilog=EPILOG)
def list_files(
    context: typer.Context,
    folder: FolderArgument = "",
    status: Annotated[
        StatusName | None, typer.Option(case_sensitive=False, help="Only those that stand so.")
    ] = None,
) -> None:
    """List the files that watches noticed, by path. With --json each is one line.

    Examples:
    - `headrace files list --status failed`
    - `headrace files list /mnt/share/in --json`

    """

    async def work(client: Client, output: Output) -> int:
        found = client.list_files(
            watch_id=await watch_id(client, folder) if folder else "",
            status=_STATUSES[status] if status else StoredFile.STATUS_UNSPECIFIED,
            page_size=1000,
        )
        files = [file async for file in found]
        if output.json:
            for file in files:
                output.document(file)
        elif files:
            show_list(files, output)
        else:
            output.say("no such files")
        return CLEAN

    run(context, work)


@app.command("watch", epilog=EPILOG)
def watch(
    context: typer.Context,
    folder: FolderArgument = "",
    until_settled: Annotated[
        bool,
        typer.Option(
            "--until-settled", help="End when files were noticed and none is on its way any more."
        ),
    ] = False,
) -> None:
    """Follow what happens to the files, a line for each change, until Ctrl-C.

    A terminal also shows what is on its way. With --until-settled the exit status is that of the
    files: 0 clean, 3 some were imported with errors, 1 some could not be imported.

    Examples:
    - `headrace files watch /mnt/share/in`
    - `headrace files watch --until-settled --json > story.ndjson`

    """

    async def work(client: Client, output: Output) -> int:
        watched = await watch_id(client, folder) if folder else ""
        with FileStory(output) as story:
            async with aclosing(client.watch_files(watched)) as changes:
                async for files in changes:
                    story.tell(files, datetime.now().astimezone())
                    if until_settled and story.settled:
                        break
        return _exit_status(story)

    run(context, work)


def _exit_status(story: FileStory) -> int:
    statuses = story.statuses
    if StoredFile.FAILED in statuses:
        return FAILED
    return WITH_ERRORS if StoredFile.IMPORTED_WITH_ERRORS in statuses else CLEAN


@app.command("retry", epilog=EPILOG)
def retry(
    context: typer.Context,
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="As `headrace files list` shows them.")
    ],
) -> None:
    """Have files imported once more that could not be, or that were ignored."""

    async def work(client: Client, output: Output) -> int:
        for file in files:
            again = await client.retry_file(file)
            if output.json:
                output.document(again)
            else:
                output.say(f"{StoredFile.Status.Name(again.status)} {escape(again.file_path)}")
        return CLEAN

    run(context, work)
