import dataclasses

import pytest

from headrace_server.core.relationships.features import FEATURES, Features
from headrace_server.core.relationships.model import Model

NOTHING = Features(**dict.fromkeys(FEATURES, 0.0))


def test_trees_are_followed_from_their_roots() -> None:
    place = FEATURES.index("coverage")
    tree = [[place, 0.5, 1, 2], [-1.0], [2.0]]
    model = Model.of({"features": list(FEATURES), "base": 0.0, "trees": [tree, tree]})
    assert model.probability(NOTHING) == pytest.approx(1 / (1 + 2.718281828**2))
    covered = dataclasses.replace(NOTHING, coverage=0.6)
    assert model.probability(covered) == pytest.approx(1 / (1 + 2.718281828**-4))


def test_weights_of_other_features_are_refused() -> None:
    with pytest.raises(ValueError, match="train it anew"):
        Model.of({"features": ["other"], "base": 0, "trees": []})


def test_the_shipped_model_tells_a_clear_reference_from_a_number() -> None:
    model = Model.shipped()
    reference = dataclasses.replace(
        NOTHING,
        inclusion=1.0, coverage=1.0, ends=1.0, child_distinct=4.6, parent_rows=4.6, row_ratio=2.0,
        repeats=2.0, parent_first=1.0, parent_columns=1.5, names_table=1.0, names_column=1.0,
        name_lead=1.0, child_marked=1.0, parent_marked=1.0, same_name=1.0, parent_named=1.0,
        best_coverage=1.0,
    )  # fmt: skip
    number = dataclasses.replace(
        reference,
        coverage=0.05, ends=0.05, distance=0.9, names_table=0.0, names_column=0.0, name_lead=0.0,
        child_marked=0.0, same_name=0.0, rivals=2.0, best_coverage=0.0, child_distinct=1.8,
    )  # fmt: skip
    assert model.probability(reference) > 0.8
    assert model.probability(number) < 0.1
