"""The trained model: trees that were boosted elsewhere, kept as JSON, evaluated here."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from headrace_server.core.relationships.features import FEATURES, Features


@dataclass(frozen=True, slots=True)
class Model:
    """Boosted trees. A tree is a list of nodes, the root first.

    A node is [feature, threshold, left, right], where values up to the threshold go left; or
    [value], a leaf.
    """

    base: float
    trees: Sequence[Sequence[Sequence[float]]]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Model":
        """Read a model. Raises ValueError for one that was trained on other features."""
        if tuple(document["features"]) != FEATURES:
            raise ValueError("the model was trained on other features: train it anew")
        return cls(float(document["base"]), document["trees"])

    @classmethod
    def shipped(cls) -> "Model":
        """The model that comes with the server."""
        text = files(__package__).joinpath("weights.json").read_text("utf-8")
        return cls.of(json.loads(text))

    def probability(self, features: Features) -> float:
        """How likely the child refers to the parent, 0 to 1."""
        vector = features.vector()
        logit = self.base + sum(_leaf(tree, vector) for tree in self.trees)
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


def _leaf(tree: Sequence[Sequence[float]], vector: Sequence[float]) -> float:
    node = tree[0]
    while len(node) > 1:
        feature, threshold, left, right = node
        node = tree[int(left if vector[int(feature)] <= threshold else right)]
    return node[0]
