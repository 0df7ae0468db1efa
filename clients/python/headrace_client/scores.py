"""How scores of datasets are drawn: bars by dimension, a line of history."""

from collections.abc import Iterable, Sequence

from headrace.v1.dataset_pb2 import Dataset

_STYLES: dict[Dataset.ReadinessStatus, str] = {
    Dataset.GOLD: "bright_yellow",
    Dataset.PRODUCTION_READY: "green",
    Dataset.INTERNAL: "cyan",
    Dataset.DRAFT: "red",
}
_STEPS = "▁▂▃▄▅▆▇█"
_FULL, _EMPTY = "█", "░"
#: shares from which a bar is green, and yellow
_GOOD, _FAIR = 0.85, 0.5
_BEST_SCORE = 100


def status_markup(status: Dataset.ReadinessStatus) -> str:
    """Return a status as rich markup."""
    return f"[{_STYLES.get(status, 'white')}]{Dataset.ReadinessStatus.Name(status)}[/]"


def bar(score: int, most: int, width: int = 20) -> str:
    """Return a bar as rich markup, full where the score is the most there is."""
    filled = round(width * score / most)
    share = score / most
    style = "green" if share >= _GOOD else "yellow" if share >= _FAIR else "red"
    return f"[{style}]{_FULL * filled}[/][dim]{_EMPTY * (width - filled)}[/]"


def dimension_lines(scores: Iterable[Dataset.DimensionScore]) -> list[str]:
    """Return a line with a bar for each dimension, as rich markup."""
    return [
        f"{Dataset.Dimension.Name(each.dimension).replace('_', ' ').lower():<15}"
        f"{bar(each.score, each.max_score)} {each.score:>2}/{each.max_score}"
        + (f"  [dim]not measured: {', '.join(each.not_evaluated)}[/]" if each.not_evaluated else "")
        for each in scores
    ]


def small_bars(scores: Iterable[Dataset.DimensionScore]) -> str:
    """Return one step for each dimension, as rich markup."""
    return "".join(_step(each.score, each.max_score) for each in scores)


def history_line(scores: Sequence[int]) -> str:
    """Return scores from 0 to 100 as a line of steps, oldest first."""
    return "".join(_step(score, _BEST_SCORE) for score in scores)


def _step(score: int, most: int) -> str:
    return _STEPS[min(len(_STEPS) - 1, score * len(_STEPS) // most)]
