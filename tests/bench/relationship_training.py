"""Trains the model of relationships and writes its weights into the server's package.

`--data` is a folder as `relationship_data.py` describes it. Each database is learned from as it is,
with fewer rows, with rows that lack a parent, with other keys, and under other names.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import say, say_machine
from relationship_data import (
    Database,
    database,
    folders,
    orphaned,
    pair_of,
    read_rows,
    renamed,
    renumbered,
    thinned,
)
from relationship_synthesis import open_pairs, synthesized
from sklearn.ensemble import HistGradientBoostingClassifier

import headrace_server.core.relationships
from headrace_server.core.relationships.features import FEATURES, Features, features_of, names_of
from headrace_server.core.relationships.model import Model

WEIGHTS = Path(headrace_server.core.relationships.__file__).parent / "weights.json"
#: other rows of each database
_THINNED, _ORPHANED, _RENUMBERED = 2, 2, 4
#: databases whose rows are made up; their names, and how much is learned from them
_SYNTHESIZED = 80
_MADE_UP = {"as it is": 0.1, "foreign": 0.05, "none": 0.05}
#: names of each, and how much is learned from them
NAMINGS = {"as it is": 1.0, "other style": 0.5, "short": 0.5, "foreign": 0.7, "none": 0.4}
#: what can only speak for a candidate, and what only against it
_FOR = ("inclusion", "coverage", "surprise", "names_table", "names_column", "name_lead", "register")
_AGAINST = ("distance", "rivals", "length_gap", "names_other")


@dataclass(frozen=True, slots=True)
class Examples:
    """Candidates of one database in all its forms."""

    name: str
    vectors: Sequence[Sequence[float]]
    right: Sequence[bool]
    weights: Sequence[float]


def forms(folder: Path) -> list[Database]:
    """A database as it is, with fewer rows, with orphans, and with other keys."""
    truth, tables = json.loads((folder / "relationships.json").read_text()), read_rows(folder)
    rows = [tables]
    rows += [thinned(tables, truth, seed) for seed in range(_THINNED)]
    rows += [orphaned(tables, truth, seed) for seed in range(_ORPHANED)]
    rows += [renumbered(tables, truth, seed) for seed in range(_RENUMBERED)]
    return [database(folder.name, truth, each) for each in rows]


def described(known: Database) -> list[tuple[Features, bool]]:
    """The features of each candidate that is right or wrong."""
    features = features_of(known.candidates, known.tables, names_of(known.tables))
    return [
        (each, pair_of(candidate) in known.truth)
        for each, candidate in zip(features, known.candidates, strict=True)
        if pair_of(candidate) not in known.open
    ]


def examples_of(name: str, known: Iterable[Database]) -> Examples:
    """Examples of a database in its forms and under other names."""
    vectors, right, weights = [], [], []
    for seed, form in enumerate(known):
        for how, weight in NAMINGS.items():
            for features, is_right in described(renamed(form, how, seed)):
                vectors.append(features.vector())
                right.append(is_right)
                weights.append(weight)
    return Examples(name, vectors, right, weights)


def synthetic(data: Path) -> list[Examples]:
    """Examples of databases whose rows were made up."""
    found = []
    for seed, known in enumerate(synthesized(data, _SYNTHESIZED)):
        meant = replace(known, open=open_pairs(known) - known.truth)
        learned = [
            (features.vector(), is_right, weight)
            for how, weight in _MADE_UP.items()
            for features, is_right in described(renamed(meant, how, seed))
        ]
        if learned:
            found.append(Examples(known.name, *map(list, zip(*learned, strict=True))))
    return found


def trained(examples: Sequence[Examples]) -> Model:
    """Train on examples; each database counts by the root of its size."""
    vectors = np.array([vector for each in examples for vector in each.vectors])
    right = np.array([each for some in examples for each in some.right])
    weights = np.concatenate(
        [np.array(each.weights) / np.sqrt(len(each.weights)) for each in examples]
    )
    constraints = dict.fromkeys(_FOR, 1) | dict.fromkeys(_AGAINST, -1)
    booster = HistGradientBoostingClassifier(
        learning_rate=0.06,
        max_iter=160,
        max_leaf_nodes=6,
        min_samples_leaf=40,
        l2_regularization=2.0,
        max_features=0.3,
        monotonic_cst=[constraints.get(name, 0) for name in FEATURES],
        early_stopping=False,
        random_state=0,
    )
    booster.fit(vectors, right, sample_weight=weights / weights.mean())
    return Model.of(_document(booster))


def _document(booster: Any) -> dict[str, Any]:
    trees = [[_node(node) for node in tree.nodes] for (tree,) in booster._predictors]
    base = float(booster._baseline_prediction.ravel()[0])
    return {"features": FEATURES, "base": round(base, 5), "trees": trees}


def _node(node: Any) -> list[float]:
    if node["is_leaf"]:
        return [round(float(node["value"]), 5)]
    threshold = float(f"{node['num_threshold']:.6g}")
    return [int(node["feature_idx"]), threshold, int(node["left"]), int(node["right"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    say_machine()
    examples = [examples_of(each.name, forms(each)) for each in folders(arguments.data)]
    for each in examples:
        say(f"{each.name}: {len(each.right)} examples, {sum(each.right)} right")
    made_up = synthetic(arguments.data)
    say(f"made-up rows: {sum(len(each.right) for each in made_up)} examples in {len(made_up)}")
    model = trained([*examples, *made_up])
    document = {"features": FEATURES, "base": model.base, "trees": model.trees}
    WEIGHTS.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    say(f"{len(model.trees)} trees, {WEIGHTS.stat().st_size} bytes: {WEIGHTS}")


if __name__ == "__main__":
    main()
