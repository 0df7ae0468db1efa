"""How well relationships are found whose constraints are hidden, by database.

`--data` is a folder as `relationship_data.py` describes it. Each database is judged by a model that
was trained on all others; beside it stand, in the same run, two naive rules. `--shipped` judges by
the weights that the server comes with, for data that these have not seen.
"""

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from machine import say, say_machine
from relationship_data import (
    Database,
    Pair,
    Rows,
    fill,
    folders,
    load,
    orphaned,
    pair_of,
    read_rows,
    renamed_rows,
    renumbered,
    thinned,
)
from relationship_training import NAMINGS, examples_of, forms, synthetic, trained

from headrace_server.core.relationships.gathering import gather
from headrace_server.core.relationships.inference import Inference
from headrace_server.core.relationships.model import Model
from headrace_server.model.relationship import Relationship, RelationshipType
from headrace_server.warehouse.engines import SqliteWarehouse

THRESHOLD = 0.8
_WHOLE = 0.999
#: seeds that no training uses
_SEED = 99


_CHANGES = (("fewer rows", thinned), ("orphans", orphaned), ("other keys", renumbered))


@dataclass(frozen=True, slots=True)
class Score:
    """How many pairs were proposed, right and wanted."""

    proposed: int
    right: int
    wanted: int

    @property
    def precision(self) -> float:
        return self.right / self.proposed if self.proposed else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.wanted if self.wanted else 0.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def __str__(self) -> str:
        return f"P {self.precision:4.2f} R {self.recall:4.2f} F1 {self.f1:5.3f}"


def score(proposed: set[Pair], truth: frozenset[Pair], left_out: frozenset[Pair]) -> Score:
    """Compare; what is open, or cannot be told by values, is neither right nor wrong."""
    judged = proposed - left_out
    return Score(len(judged), len(judged & truth), len(truth))


def found_in(tables: dict[str, Rows], model: Model, *, use_ai: bool = True) -> list[Relationship]:
    """All that the product finds in a warehouse of these tables without any constraint."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "warehouse.sqlite"
        fill(path, tables)
        return asyncio.run(_infer(path, sorted(tables), model, use_ai=use_ai))


async def _infer(
    path: Path, names: Sequence[str], model: Model, *, use_ai: bool
) -> list[Relationship]:
    warehouse = SqliteWarehouse(path)
    try:
        facts = await gather(warehouse, "public", names, _ignore)
        return await Inference(model).infer(warehouse, facts, use_ai=use_ai)
    finally:
        await warehouse.close()


async def _ignore(_count: int) -> None:
    pass


def pairs(found: Sequence[Relationship]) -> set[Pair]:
    """The pairs of single columns above the threshold."""
    return {
        (each.from_table, each.from_columns[0], each.to_table, each.to_columns[0])
        for each in found
        if each.confidence >= THRESHOLD
        and len(each.from_columns) == 1
        and each.type is not RelationshipType.MANY_TO_MANY
    }


def naive(known: Database) -> tuple[set[Pair], set[Pair]]:
    """Inclusion alone; inclusion and the target with the best name of each column."""
    whole = [each for each in known.candidates if each.inclusion >= _WHOLE]
    best: dict[tuple[str, str], tuple[float, Pair]] = {}
    for each in whole:
        pair = pair_of(each)
        likeness = _letters_in_common(pair)
        if likeness > best.get(pair[:2], (0.5, pair))[0]:
            best[pair[:2]] = (likeness, pair)
    return set(map(pair_of, whole)), {pair for _, pair in best.values()}


def _letters_in_common(pair: Pair) -> float:
    """The share of equal pairs of letters of the columns' names, the parent's table before."""
    _, column, table, to_column = (name.lower().replace("_", "") for name in pair)
    return max(_dice(column, to_column), _dice(column, table), _dice(column, table + to_column))


def _dice(one: str, other: str) -> float:
    first = {one[at : at + 2] for at in range(len(one) - 1)}
    second = {other[at : at + 2] for at in range(len(other) - 1)}
    return 2 * len(first & second) / max(1, len(first) + len(second))


def measure(folder: Path, model: Model, *, verbose: bool) -> dict[str, float]:
    """Print one database's scores; returns the F1 of each form of it."""
    known, tables = load(folder), read_rows(folder)
    truth = json.loads((folder / "relationships.json").read_text())
    left_out = known.open | known.hidden
    found = found_in(tables, model)
    proposed = pairs(found)
    ours = score(proposed, known.truth, left_out)
    rules = score(pairs(found_in(tables, model, use_ai=False)), known.truth, left_out)
    alone, named = (score(each, known.truth, left_out) for each in naive(known))
    say(
        f"{folder.name:16}{len(known.truth):4} {ours}   rules: {rules}"
        f"   inclusion: {alone}   and name: {named}   {_several(found, known)}"
    )
    if verbose:
        for pair in sorted(known.truth - proposed):
            say(f"    missed {'.'.join(pair[:2])} -> {'.'.join(pair[2:])}")
        for pair in sorted(proposed - known.truth - left_out):
            say(f"    wrong  {'.'.join(pair[:2])} -> {'.'.join(pair[2:])}")
    forms_ = {"ours": ours.f1, "rules": rules.f1, "inclusion": alone.f1, "and name": named.f1}
    for how in NAMINGS:
        if how != "as it is":
            anew, pair_of_new = renamed_rows(tables, how, _SEED)
            wanted = frozenset(map(pair_of_new, known.truth))
            spared = frozenset(map(pair_of_new, left_out))
            forms_[f"names: {how}"] = score(pairs(found_in(anew, model)), wanted, spared).f1
    for what, change in _CHANGES:
        anew = change(tables, truth, _SEED)
        forms_[what] = score(pairs(found_in(anew, model)), known.truth, left_out).f1
    return forms_


def _several(found: Sequence[Relationship], known: Database) -> str:
    """How many references of several columns, and through junctions, are found."""
    wanted: Sequence[dict[str, Any]] = known.composite
    keys = {
        (each.from_table, *sorted(each.from_columns), each.to_table)
        for each in found
        if len(each.from_columns) > 1 and each.confidence >= THRESHOLD
    }
    right = {(w["from_table"], *sorted(w["from_columns"]), w["to_table"]) for w in wanted}
    many = sum(each.type is RelationshipType.MANY_TO_MANY for each in found)
    return f"composite {len(keys & right)} of {len(right)}, {len(keys - right)} more; m:n {many}"


def models(data: Path, *, shipped: bool) -> dict[str, Model]:
    """The model that judges each database: trained on all others, or the one that is shipped."""
    if shipped:
        return {folder.name: Model.shipped() for folder in folders(data)}
    examples = [examples_of(folder.name, forms(folder)) for folder in folders(data)]
    made_up = synthetic(data)
    return {
        each.name: trained([*(other for other in examples if other is not each), *made_up])
        for each in examples
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--shipped", action="store_true", help="judge by the shipped weights")
    parser.add_argument("--verbose", action="store_true", help="name what is missed and wrong")
    arguments = parser.parse_args()
    say_machine()
    by_name = models(arguments.data, shipped=arguments.shipped)
    figures = [
        measure(folder, by_name[folder.name], verbose=arguments.verbose)
        for folder in folders(arguments.data)
    ]
    say("\nmean F1")
    for what in figures[0]:
        say(f"{what:20}{statistics.mean(each[what] for each in figures):6.3f}")


if __name__ == "__main__":
    main()
