"""worker."""

import logging
from typing import Annotated

import typer
from rich.markup import escape

from headrace_client.attempt import AttemptEnd, Outcome
from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, run
from headrace_client.programs import Program
from headrace_client.worker import Worker

_STYLES = {Outcome.COMPLETED: "green", Outcome.FAILED: "red", Outcome.STOPPED: "yellow"}


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(worker)


def worker(
    context: typer.Context,
    content_type: Annotated[
        list[str], typer.Option(help="What the program converts. May be given several times.")
    ],
    command: Annotated[
        str,
        typer.Option(
            "--exec",
            metavar="CMD",
            help="The program, with {input} and {output} where it takes the names of the files.",
        ),
    ],
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="The most jobs at a time.")] = 1,
    worker_id: Annotated[
        str, typer.Option(help="The name of the worker, unique among those that run.")
    ] = "",
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="How long jobs may go on after SIGTERM or Ctrl-C.")
    ] = 20.0,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End when no job is given any more.")
    ] = False,
) -> None:
    """Convert remote jobs with a program, one run of it a job.

    The source is downloaded to {input}; what the program writes to {output}, or prints if its
    command names no {output}, is the result. Another exit status than 0 is a failed attempt, with
    the end of its standard error. A job that is cancelled kills it. No shell reads the command:
    quote words with spaces. HEADRACE_TASK_OPTIONS has the options of the job as JSON.

    SIGTERM and Ctrl-C let the running jobs end and take no more; what takes longer than
    --drain-seconds, and with a second one all, is given back. With --json each attempt is one line.

    Examples:
    - `headrace worker --content-type document --exec 'pandoc {input} -t plain -o {output}'`
    - `headrace worker --content-type audio --exec 'whisper {input}' --concurrency 2`

    """
    try:
        program = Program(command)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--exec") from None
    if not program.is_here:
        raise typer.BadParameter(f"there is no program {program.name} here", param_hint="--exec")

    async def work(client: Client, output: Output) -> int:
        logging.basicConfig(format="%(message)s")
        one = Worker(
            client,
            worker_id=worker_id,
            concurrency=concurrency,
            drain_seconds=drain_seconds,
            on_end=lambda end: _print(end, output),
        )
        one.handles(*dict.fromkeys(content_type))(program.convert)
        kinds = ", ".join(content_type)
        output.remarks.print(f"{one.worker_id} asks {client.address} for {kinds}", soft_wrap=True)
        await one.run(until_empty=until_empty)
        return CLEAN

    run(context, work)


def _print(end: AttemptEnd, output: Output) -> None:
    if output.json:
        output.document(
            {
                "job_id": end.job_id,
                "content_type": end.content_type,
                "attempt": end.attempt,
                "outcome": end.outcome.name,
                "seconds": round(end.seconds, 3),
                "message": end.message,
            }
        )
        return
    text = f"{end.job_id} [{_STYLES[end.outcome]}]{end.outcome.name}[/] in {end.seconds:.1f} s"
    told = " ".join(end.message.split())
    output.line(text + (f": {escape(told)}" if told else ""))
