"""pipelines."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer
from headrace.v1.pipeline_pb2 import Pipeline
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.instants import parse_instant
from headrace_client.commands.output import Output
from headrace_client.commands.pipeline_tables import show_list, show_pipeline, show_versions
from headrace_client.commands.run_tables import exit_status_of, show_run
from headrace_client.commands.run_values import ValuesOption, run_values
from headrace_client.commands.runs import WatchOption, watched_to_its_end, way_on_text
from headrace_client.commands.session import CLEAN, EPILOG, run, usage_errors
from headrace_client.errors import NotFoundError

app = typer.Typer(
    no_args_is_help=True, help="Pipelines: steps that are run together. `apply` makes them."
)

PipelineId = Annotated[str, typer.Argument(metavar="ID", help="The id of a pipeline.")]


@app.command("list", epilog=EPILOG)
def list_pipelines(context: typer.Context) -> None:
    """List the pipelines. With --json each is one line."""

    async def work(client: Client, output: Output) -> int:
        found = [pipeline async for pipeline in client.list_pipelines()]
        if output.json:
            for pipeline in found:
                output.document(pipeline)
        elif found:
            show_list(found, output)
        else:
            output.say(f"no pipelines yet: {output.command('apply -f FILE.yaml')}")
        return CLEAN

    run(context, work)


@app.command("show", epilog=EPILOG)
def show(
    context: typer.Context,
    pipeline_id: PipelineId,
    *,
    version: Annotated[
        int | None, typer.Option(min=1, help="The version; the present one if not given.")
    ] = None,
    as_file: Annotated[
        bool, typer.Option("--yaml", help="Print it as `apply` takes it, to edit.")
    ] = False,
) -> None:
    """Show a pipeline: what it is given and what it does.

    Examples:
    - `headrace pipelines show stock`
    - `headrace pipelines show stock --yaml > stock.yaml`

    """

    async def work(client: Client, output: Output) -> int:
        pipeline = await client.get_pipeline(pipeline_id, version)
        if as_file:
            typer.echo(_as_file(pipeline), nl=False)
        elif output.json:
            output.document(pipeline)
        else:
            show_pipeline(pipeline, output)
        return CLEAN

    run(context, work)


@app.command("versions", epilog=EPILOG)
def versions(
    context: typer.Context,
    pipeline_id: PipelineId,
    limit: Annotated[int, typer.Option(min=1, help="How many versions to look for.")] = 20,
) -> None:
    """List the newest versions of a pipeline, those that are known still.

    With --json each is one line, as `pipelines show` prints it.
    """

    async def work(client: Client, output: Output) -> int:
        found = await _versions(client, pipeline_id, limit)
        if output.json:
            for pipeline in found:
                output.document(pipeline)
        else:
            show_versions(found, output)
        return CLEAN

    run(context, work)


@app.command("delete", epilog=EPILOG)
def delete(
    context: typer.Context,
    pipeline_id: PipelineId,
    force: Annotated[
        bool, typer.Option("--force", help="Delete its triggers and cancel its runs as well.")
    ] = False,
) -> None:
    """Delete a pipeline; its runs stay known. Refused while it has active triggers or runs."""

    async def work(client: Client, output: Output) -> int:
        await client.delete_pipeline(pipeline_id, force=force)
        output.say(f"deleted {escape(pipeline_id)}")
        return CLEAN

    run(context, work)


@app.command("run", epilog=EPILOG)
def run_now(
    context: typer.Context,
    pipeline_id: PipelineId,
    *,
    values: ValuesOption = None,
    watch: WatchOption = False,
    trigger: Annotated[
        str, typer.Option(help="A trigger that the run counts for, and whose values it gets.")
    ] = "",
    nominal_time: Annotated[
        datetime | None,
        typer.Option(
            "--at", parser=parse_instant, metavar="TIME",
            help="The moment it stands for, which templates call execution_date; now if not given.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Run a pipeline now.

    Exit status with --watch: 0 succeeded, 3 succeeded though steps failed, 1 failed or cancelled.

    Examples:
    - `headrace pipelines run stock -p day=2026-03-02 --watch`
    - `headrace pipelines run stock --at 2026-03-02T06:00:00+01:00`

    """
    started: list[str] = []

    async def work(client: Client, output: Output) -> int:
        pipeline = await client.get_pipeline(pipeline_id)
        given = run_values(values, pipeline)
        with usage_errors(client.address):
            begun = await client.run_pipeline(
                pipeline_id,
                parameters=given or None,
                trigger_id=trigger,
                nominal_time=nominal_time,
                wait_seconds=0 if watch else None,
            )
        started.append(begun.run_id)
        if watch:
            return await watched_to_its_end(client, begun.run_id, output)
        if output.json:
            output.document(begun)
        else:
            show_run(begun, output)
        return exit_status_of(begun)

    run(
        context,
        work,
        way_on=lambda: "".join(way_on_text(context, run_id) for run_id in started),
    )


async def _versions(client: Client, pipeline_id: str, most: int) -> list[Pipeline]:
    """Return the newest versions, without those that neither the pipeline nor a run is of."""
    newest = await client.get_pipeline(pipeline_id)
    earlier = range(newest.version - 1, max(newest.version - most, 0), -1)
    found = await asyncio.gather(*(_version(client, pipeline_id, each) for each in earlier))
    return [newest, *(version for version in found if version is not None)]


async def _version(client: Client, pipeline_id: str, version: int) -> Pipeline | None:
    try:
        return await client.get_pipeline(pipeline_id, version)
    except NotFoundError:
        return None


def _as_file(pipeline: Pipeline) -> str:
    from headrace_client.pipeline_files import declared_pipeline  # noqa: PLC0415  # they read YAML
    from headrace_client.yaml_messages import as_yaml  # noqa: PLC0415  # see above

    return as_yaml(declared_pipeline(pipeline))
