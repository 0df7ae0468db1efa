"""apply."""

from pathlib import Path
from typing import Annotated

import typer

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import EPILOG, run


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(apply)


def apply(
    context: typer.Context,
    *,
    files: Annotated[
        list[Path],
        typer.Option(
            "--file", "-f", metavar="FILE",
            help="YAML or JSON, a folder of such files, or - for standard input. Several times.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change, or what is wrong.")
    ] = False,
) -> None:  # fmt: skip
    """Create or update the pipelines and triggers that files declare.

    A document with `steps` is a pipeline, known by its pipeline_id; one with `trigger_type` is a
    trigger, known by its name and pipeline_id. The fields are those of the requests that create
    them; `headrace pipelines show ID --yaml` prints one. What differs is shown first. What no file
    declares stays as it is.

    Examples:
    - `headrace apply -f stock.yaml`
    - `headrace apply -f pipelines/ --dry-run`

    """
    from headrace_client.commands.applying import applied, read_files  # noqa: PLC0415  # reads YAML

    declared = read_files(files)

    async def work(client: Client, output: Output) -> int:
        return await applied(client, declared, output, ask=not yes, dry_run=dry_run)

    run(context, work)
