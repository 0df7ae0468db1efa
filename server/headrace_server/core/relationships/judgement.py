"""What a model elsewhere thinks of doubtful candidates: one more piece of evidence, never needed.

It is told names, types and figures; values only where the operator allows it. An answer that is
late, wrong in form, or about something else counts for nothing.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from headrace_server.connectors.chat import Chat, ChatError
from headrace_server.core.relationships.graph import Scored
from headrace_server.model.relationship import ColumnFacts, TableFacts

#: candidates that are asked about at most, the most doubtful ones, and at a time
_MOST_ASKED, _ASKED_AT_ONCE = 60, 20
#: values of a column that are shown at most
_MOST_VALUES = 5
#: how far a judgement moves a probability, in units of the logit
_WEIGHT = 0.5
_TASK = (
    "You judge whether a database column refers to another table's key. For each numbered pair "
    'answer with the probability that it is a foreign key. Answer with JSON only: {"judgements": '
    '[{"pair": 0, "probability": 0.5}]}'
)

_log = structlog.get_logger(__name__)


class Judgement:
    """Asks the model; shows it a few values of the columns if `share_values`."""

    def __init__(self, chat: Chat, *, share_values: bool = False) -> None:
        self._chat = chat
        self._share_values = share_values

    async def __call__(self, doubtful: Sequence[Scored]) -> list[Scored]:
        """Weigh the model's judgement in; candidates that it says nothing of stay."""
        ranked = sorted(doubtful, key=lambda each: abs(each.probability - 0.5))
        asked, judged = ranked[:_MOST_ASKED], ranked[_MOST_ASKED:]
        for first in range(0, len(asked), _ASKED_AT_ONCE):
            some = asked[first : first + _ASKED_AT_ONCE]
            try:
                said = await self._ask(some)
            except (ChatError, ValueError) as error:
                _log.warning("relationships.judgement_failed", error=str(error))
                return [*judged, *asked[first:]]
            judged += [
                _weighed(each, said[place]) if place in said else each
                for place, each in enumerate(some)
            ]
        return judged

    async def _ask(self, pairs: Sequence[Scored]) -> dict[int, float]:
        """The probability of each pair that was answered. Raises ChatError and ValueError."""
        told = [self._told(each, place) for place, each in enumerate(pairs)]
        said = await self._chat.answer(_TASK, json.dumps(told))
        return _read(said, len(pairs))

    def _told(self, each: Scored, place: int) -> dict[str, Any]:
        pair, features = each.candidate, each.features
        return {
            "pair": place,
            "from": self._side(pair.table, pair.column),
            "to": self._side(pair.to_table, pair.to_column),
            "rows": [pair.table.rows, pair.to_table.rows],
            "distinct": [pair.column.distinct, pair.to_column.distinct],
            "share_of_values_found": round(pair.inclusion, 4),
            "share_of_keys_used": round(features.coverage, 4),
            "other_columns_that_would_do": round(math.expm1(features.rivals)),
        }

    def _side(self, table: TableFacts, column: ColumnFacts) -> dict[str, Any]:
        told: dict[str, Any] = {"table": table.name, "column": column.name, "type": column.type}
        if self._share_values:
            told["values"] = [str(value) for value in column.sample[:_MOST_VALUES]]
        return told


def _read(said: str, count: int) -> dict[int, float]:
    """The probabilities in an answer. Raises ValueError where it has not the form asked for."""
    try:
        judgements = json.loads(said[said.index("{") : said.rindex("}") + 1])["judgements"]
        found = [_one(each) for each in judgements]
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError("the answer has not the form that was asked for") from error
    return {place: value for place, value in found if 0 <= place < count and 0 <= value <= 1}


def _one(each: Mapping[str, Any]) -> tuple[int, float]:
    return int(each["pair"]), float(each["probability"])


def _weighed(each: Scored, said: float) -> Scored:
    """Move the probability towards what was said, by less than our own evidence weighs."""
    logit = _logit(each.probability) + _WEIGHT * _logit(said)
    return replace(each, probability=1 / (1 + math.exp(-logit)), said_elsewhere=said)


def _logit(probability: float) -> float:
    kept = min(0.98, max(0.02, probability))
    return math.log(kept / (1 - kept))
