"""bulk-ingest."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from headrace.v1.ingestion_pb2 import Ingestion
from rich.markup import escape

from headrace_client.bulk.journal import Journal, JournalInUseError, journal_path
from headrace_client.bulk.plan import Plan, make_plan, tenant_folders
from headrace_client.bulk.run import BulkIngestion, Outcome
from headrace_client.commands.ingest import PriorityOption, priority_of
from headrace_client.commands.output import Output, as_dict
from headrace_client.commands.session import (
    CLEAN,
    EPILOG,
    FAILED,
    Settings,
    exit_status,
    explained,
    finish,
    settings_of,
)
from headrace_client.errors import InvalidRequestError, NotFoundError
from headrace_client.progress import IngestionProgress, count_text, size_text, status_text


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(bulk_ingest)


def bulk_ingest(
    context: typer.Context,
    data_dir: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="The directory with the files.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be loaded, and in which order.")
    ] = False,
    parallel: Annotated[int, typer.Option(min=1, max=32, help="Uploads at a time.")] = 4,
    priority: PriorityOption = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget earlier runs and load every file again.")
    ] = False,
) -> None:
    """Load all files of a directory, parents before children.

    The server's contracts say which table a file holds (by the beginning of its name) and which
    tables it refers to. Where no .ndjson or .jsonl file lies in D of `--data-dir D` but folders do,
    each D/TENANT/ is loaded for the tenant of its name, with an admin key; --tenant-id picks one. A
    folder that is no tenant is skipped. A run that was cut or killed goes on where it ended when
    the same command is run again, and never loads a file twice.

    Exit status: 0 clean, 3 some rows rejected or parked, 1 a file failed.

    Examples:
    - `headrace bulk-ingest --data-dir server/headrace_server/demo_data --dry-run`
    - `headrace bulk-ingest --data-dir server/headrace_server/demo_data --parallel 8`

    """
    settings = settings_of(context)
    output = settings.output()

    async def work() -> int:
        plans = await _plans(settings, data_dir, output)
        if not any(plan.files for plan in plans):
            output.remarks.print(escape(f"no files found in {data_dir}"), soft_wrap=True)
        if dry_run:
            _show_plans(plans, output)
            return CLEAN
        _remark_skipped(plans, output)
        with Journal(journal_path(settings.address, data_dir)) as journal:
            if fresh:
                journal.forget()
            outcomes = await _run(settings, plans, journal, output)
        return _report(outcomes, output)

    async def _run(
        settings: Settings, plans: list[Plan], journal: Journal, output: Output
    ) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with IngestionProgress(output.remarks) as progress:
            for plan in plans:
                async with settings.client(plan.tenant_id) as client:
                    bulk = BulkIngestion(
                        client, plan, journal, progress,
                        parallel=parallel, priority=priority_of(priority),
                    )  # fmt: skip
                    outcomes += await bulk.run()
        return outcomes

    try:
        finish(work, settings, way_on=lambda: "run the same command again to go on")
    except JournalInUseError:
        typer.secho(
            f"error: another bulk-ingest of {data_dir} is running: wait for it, or end it",
            err=True, fg="red",
        )  # fmt: skip
        raise typer.Exit(FAILED) from None


async def _plans(settings: Settings, data_dir: Path, output: Output) -> list[Plan]:
    folders = await asyncio.to_thread(tenant_folders, data_dir, settings.tenant_id)
    plans = []
    for tenant_id, folder in folders:
        async with settings.client(tenant_id) as client:
            try:
                contracts = [contract async for contract in client.list_contracts()]
            except (NotFoundError, InvalidRequestError) as error:
                if folder == data_dir or settings.tenant_id:
                    raise
                text = f"skipped {folder}: {explained(error, client.address)}"
                output.remarks.print(f"[yellow]{escape(text)}[/]", soft_wrap=True)
                continue
        plans.append(await asyncio.to_thread(make_plan, folder, contracts, tenant_id))
    return plans


def _show_plans(plans: list[Plan], output: Output) -> None:
    files = [(plan, file) for plan in plans for file in plan.files]
    if output.json:
        for plan, file in files:
            output.document(
                {
                    "file": str(file.path),
                    "tenant_id": plan.tenant_id,
                    "data_type": file.data_type,
                    "stage": file.stage,
                    "bytes_total": file.size,
                    "skipped": False,
                }
            )
        for plan in plans:
            for path in plan.skipped:
                output.document({"file": str(path), "tenant_id": plan.tenant_id, "skipped": True})
        return
    rows = [
        (
            str(file.stage),
            file.path.name,
            file.data_type,
            size_text(file.size),
            plan.tenant_id or "",
        )
        for plan, file in files
    ]
    output.table((">stage", "file", "type", ">size", "tenant"), rows, spare=("type", ">size"))
    total = size_text(sum(file.size for _, file in files))
    output.say(f"\n{count_text(len(files), 'file')}, {total}; nothing was sent (--dry-run)")
    _remark_skipped(plans, output)


def _remark_skipped(plans: list[Plan], output: Output) -> None:
    for plan in plans:
        for path in plan.skipped:
            text = f"skipped {path}: no contract declares a table that its name begins with"
            output.remarks.print(f"[dim]{escape(text)}[/]", soft_wrap=True)


def _report(outcomes: list[Outcome], output: Output) -> int:
    if output.json:
        for outcome in outcomes:
            output.document(_as_document(outcome))
    else:
        rows = [_as_row(outcome) for outcome in outcomes]
        columns = ("file", "type", "status", ">loaded", ">rejected", ">parked", "id")
        output.table(columns, rows, markup=True, spare=("type", ">parked", ">rejected"))
        _remark_errors(outcomes, output)
    if any(outcome.error for outcome in outcomes):
        return FAILED
    return exit_status(*(o.ingestion for o in outcomes if o.ingestion is not None))


def _remark_errors(outcomes: list[Outcome], output: Output) -> None:
    for outcome in outcomes:
        if outcome.error:
            text = f"error: {outcome.file.path.name}: {outcome.error}"
            output.remarks.print(f"[red]{escape(text)}[/]", soft_wrap=True)
    if any(outcome.error for outcome in outcomes):
        output.say("run the same command again to go on; what is loaded is not loaded twice")
    elif any(o.ingestion and o.ingestion.rows_rejected for o in outcomes):
        output.say(f"see the rejected rows: {output.command('rejects ID')}")


def _as_row(outcome: Outcome) -> tuple[str, ...]:
    file, ingestion = outcome.file, outcome.ingestion or Ingestion()
    status = status_text(ingestion) if outcome.ingestion else "[red]FAILED[/]"
    return (
        escape(file.path.name),
        file.data_type,
        status + (" [dim](earlier)[/]" if outcome.earlier else ""),
        f"{ingestion.rows_loaded:,}",
        f"{ingestion.rows_rejected:,}",
        f"{ingestion.rows_parked:,}",
        ingestion.request_id,
    )


def _as_document(outcome: Outcome) -> dict[str, Any]:
    ingestion = as_dict(outcome.ingestion) if outcome.ingestion else {}
    return {
        "file": str(outcome.file.path),
        "tenant_id": outcome.tenant_id,
        "data_type": outcome.file.data_type,
        "stage": outcome.file.stage,
        "earlier": outcome.earlier,
        "error": outcome.error,
        **ingestion,
    }
