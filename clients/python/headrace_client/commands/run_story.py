"""How a run is shown on its way: a live table of its steps, or a line for each change."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from types import TracebackType
from typing import Self

from headrace.v1.run_pb2 import Run, RunStep
from rich.console import RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.run_tables import (
    one_line,
    run_status,
    seconds_text,
    show_run,
    step_status,
)
from headrace_client.progress import count_text

#: columns of a terminal from which on bars are long
_WIDE = 80
#: columns that a note takes at least, and what is between two columns
_LEAST_NOTE, _GAP = 16, 2
_WIDEST = 1_000_000
#: columns of the longest status
_LONGEST = max(len(RunStep.Status.Name(number)) for number in RunStep.Status.values() if number)
_PER_SECOND = 8.0


class RunStory:
    """The steps of a run that a watch tells of.

        with RunStory(output) as story:
            async for run in client.watch_run(run_id):
                story.tell(run, now)

    A live table is drawn on a terminal; elsewhere a line is printed for each change of a step,
    and with --json each snapshot is a document.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._run = Run()
        #: when the snapshot came, on the monotonic clock
        self._at = 0.0
        #: status and attempt of each step as last told
        self._told: dict[str, tuple[RunStep.Status, int]] = {}
        self._live: AbstractContextManager[object] = (
            Live(
                get_renderable=self._table,
                console=output.console,
                transient=True,
                refresh_per_second=_PER_SECOND,
            )
            if output.for_people
            else nullcontext()
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, traceback)

    def tell(self, run: Run, at: datetime) -> None:
        """Show a snapshot that came at a local time."""
        self._run, self._at = run, time.monotonic()
        if self._output.json:
            self._output.document(run)
        elif not self._output.for_people:
            for step in run.steps:
                self._tell_step(run, step, at)

    def _tell_step(self, run: Run, step: RunStep, at: datetime) -> None:
        stands = (step.status, step.attempt)
        # What has not begun is nothing to tell of, but for the next attempt.
        known = self._told.get(step.id, (RunStep.PENDING, 0))
        if stands == known:
            return
        self._told[step.id] = stands
        padding = " " * (_LONGEST - len(RunStep.Status.Name(step.status)))
        words = [f"{at:%H:%M:%S} {step_status(step)}{padding} {step.id}", *_notes(step)]
        if step.status == RunStep.WAITING:
            words.append(escape(self._output.command(f"runs approve {run.run_id} {step.id}")))
        self._output.line("  ".join(words))

    def _table(self) -> Table:
        """Draw the steps; durations go on between snapshots."""
        run, since = self._run, time.monotonic() - self._at
        rows = [
            (step.id, step_status(step), _bar(step), *_figures(step, since)) for step in run.steps
        ]
        notes = [_note(step) for step in run.steps]
        longest = max((len(step.id) for step in run.steps), default=0)
        room = self._output.console.width - self._width(rows)
        if room < _LEAST_NOTE or not any(notes):
            # What does not fit is the end of long names.
            return self._drawn(rows, names=max(longest + min(room, 0), 1))
        return self._drawn([(*row, note) for row, note in zip(rows, notes, strict=True)], room)

    def _drawn(
        self, rows: Sequence[tuple[RenderableType, ...]], note: int = 0, names: int | None = None
    ) -> Table:
        """Draw rows, with so many columns for notes, and at most so many for names."""
        table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
        if self._run.run_id:
            status, way = run_status(self._run), self._run.progress
            table.title = f"[bold]{escape(self._run.pipeline_id)}[/] {status} {way} %"
            table.title_style = ""
        table.add_column("step", no_wrap=True, max_width=names)
        table.add_column("status", no_wrap=True)
        bar = 10 if self._output.console.width < _WIDE else 24
        table.add_column("", width=bar, no_wrap=True)
        for name in ("rows", "took"):
            table.add_column(name, justify="right", no_wrap=True)
        if note:
            table.add_column("", overflow="ellipsis", no_wrap=True, max_width=note - _GAP)
        for row in rows:
            table.add_row(*row)
        return table

    def _width(self, rows: Sequence[tuple[RenderableType, ...]]) -> int:
        """How wide the rows are without notes."""
        console = self._output.console
        unbounded = console.options.update(max_width=_WIDEST)
        table = self._drawn(rows)
        table.title = None
        return table.__rich_measure__(console, unbounded).maximum


async def follow_run(client: Client, run_id: str, output: Output) -> Run:
    """Watch a run to its end, and print it. Raises HeadraceError."""
    run = Run()
    with RunStory(output) as story:
        async for run in client.watch_run(run_id):
            story.tell(run, datetime.now().astimezone())
    if not output.json:
        show_run(run, output)
    return run


def _bar(step: RunStep) -> ProgressBar | str:
    if step.status == RunStep.RUNNING and not step.progress:  # nobody knows how far it is
        return ProgressBar(total=100, pulse=True)
    done = 100 if step.status == RunStep.SUCCEEDED else step.progress
    return ProgressBar(total=100, completed=done) if step.attempt else ""


def _figures(step: RunStep, since: float) -> tuple[str, str]:
    """The rows of a step, and how long it takes."""
    rows = f"{step.rows_processed:,}" if step.rows_processed else ""
    if not step.HasField("duration_seconds"):
        return rows, ""
    moves = step.status in {RunStep.RUNNING, RunStep.WAITING}
    return rows, seconds_text(step.duration_seconds + (since if moves else 0.0))


def _notes(step: RunStep) -> list[str]:
    """What a line tells of a step beside its status, as markup."""
    notes = []
    if step.rows_processed:
        notes.append(count_text(step.rows_processed, "row"))
    if step.status == RunStep.SUCCEEDED and step.HasField("duration_seconds"):
        notes.append(seconds_text(step.duration_seconds))
    if note := _note(step):
        notes.append(note)
    return notes


def _note(step: RunStep) -> str:
    """Why a step stands as it does, as markup; empty where there is nothing to say."""
    if step.HasField("error"):
        again = ", to be tried again" if step.HasField("next_attempt_at") else ""
        return f"[red]{escape(one_line(step.error))}{again}[/]"
    if step.status == RunStep.WAITING and step.message:
        return f"[yellow]{escape(one_line(step.message))}[/]"
    return f"attempt {step.attempt}" if step.attempt > 1 else ""
