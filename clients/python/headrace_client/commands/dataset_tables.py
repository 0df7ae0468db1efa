"""How datasets are shown to people."""

from collections.abc import Iterator, Sequence

from headrace.v1.dataset_pb2 import Dataset, DatasetObservation, ScoreEntry
from rich.markup import escape

from headrace_client.commands.output import Output, when
from headrace_client.progress import count_text
from headrace_client.scores import (
    bar,
    dimension_lines,
    history_line,
    small_bars,
    status_markup,
)


def show_list(datasets: Sequence[Dataset], output: Output) -> None:
    """Print datasets as a table."""
    rows = [
        (
            escape(dataset.full_name),
            str(dataset.readiness_score),
            bar(dataset.readiness_score, 100),
            status_markup(dataset.readiness_status),
            small_bars(dataset.dimension_scores),
            when(dataset, "scored_at"),
        )
        for dataset in datasets
    ]
    columns = ("dataset", ">score", "", "status", "dimensions", "scored")
    output.table(columns, rows, markup=True, spare=("scored", "dimensions", ""))


def show_dataset(dataset: Dataset, output: Output) -> None:
    """Print a dataset with all that explains its score."""
    output.line(
        f"[bold]{escape(dataset.full_name)}[/]  {status_markup(dataset.readiness_status)}  "
        f"{dataset.readiness_score}/100"
    )
    for line in dimension_lines(dataset.dimension_scores):
        output.line(f"  {line}")
    if dataset.HasField("observation"):
        output.line(f"seen: {_seen(dataset.observation)}")
    if dataset.reasons:
        output.line("\n[bold]why points are lost[/]")
    for reason in dataset.reasons:
        for line in _reason_lines(reason):
            output.line(line)
    if dataset.actions:
        output.line("\n[bold]what wins them[/]")
    for action in dataset.actions:
        output.line(f"  [green]+{action.points}[/] {escape(action.description)}")


def _seen(observation: DatasetObservation) -> str:
    about = "about " if observation.sampled_rows < observation.rows else ""
    parts = [
        about + count_text(observation.rows, "row"),
        count_text(len(observation.columns), "column"),
        f"updated {when(observation, 'updated_at')}",
    ]
    if observation.rows_rejected:
        parts.append(f"{observation.rows_rejected:,} of {observation.rows_read:,} rows rejected")
    if observation.rows_parked:
        parts.append(f"{count_text(observation.rows_parked, 'row')} parked")
    return ", ".join(parts)


def _reason_lines(reason: Dataset.Reason) -> Iterator[str]:
    points = f"[red]-{reason.points}[/]" if reason.points else "[dim] 0[/]"
    unknown = " [dim](not evaluated)[/]" if reason.not_evaluated else ""
    yield f"  {points} {escape(reason.rule)}: {escape(reason.message)}{unknown}"
    if reason.HasField("declared"):
        yield f"     declared: {escape(reason.declared)}; observed: {escape(reason.observed)}"


def show_history(newest_first: Sequence[ScoreEntry], output: Output) -> None:
    """Print scores as a line, and the latest as a table."""
    entries = newest_first[::-1]
    if entries:
        scores = [entry.readiness_score for entry in entries]
        output.line(f"{history_line(scores)}  {scores[0]} to {scores[-1]}")
    rows = [
        (
            when(entry, "scored_at"),
            str(entry.readiness_score),
            status_markup(entry.readiness_status),
            small_bars(entry.dimension_scores),
            ScoreEntry.Cause.Name(entry.cause).lower(),
        )
        for entry in entries[-10:]
    ]
    columns = ("when", ">score", "status", "dimensions", "for")
    output.table(columns, rows, markup=True, spare=("for", "dimensions"))
