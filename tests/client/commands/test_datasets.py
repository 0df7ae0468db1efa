import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.dataset_pb2 import Dataset, ScoreEntry
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State

DIMENSIONS = [
    Dataset.DimensionScore(dimension=Dataset.OWNERSHIP, score=15, max_score=15),
    Dataset.DimensionScore(
        dimension=Dataset.DATA_QUALITY, score=10, max_score=20, not_evaluated=["checks_pass"]
    ),
    Dataset.DimensionScore(dimension=Dataset.OPERATIONS, score=0, max_score=10),
]


@pytest.fixture
def orders(state: "State") -> Dataset:
    """A dataset with everything that can be shown."""
    dataset = Dataset(
        id="d-1",
        full_name="public.orders",
        readiness_score=55,
        readiness_status=Dataset.INTERNAL,
        dimension_scores=DIMENSIONS,
        reasons=[
            Dataset.Reason(rule="unique", points=3, message="twice", declared="a", observed="b"),
            Dataset.Reason(rule="fresh", points=4, message="who knows", not_evaluated=True),
            Dataset.Reason(rule="tagged", message="(2 points waived: [soon])"),
        ],
        actions=[Dataset.Action(rule="fresh", points=4, description="Look")],
        revision=1,
    )
    seen = dataset.observation
    seen.rows, seen.sampled_rows, seen.rows_read, seen.rows_rejected = 1_000_000, 20_000, 50, 2
    seen.rows_parked = 7
    state.datasets["public.orders"] = dataset
    return dataset


def test_a_dataset(run: Callable[..., Result], orders: Dataset) -> None:
    for command in ("show", "score", "observe"):
        text = run("datasets", command, "public.orders").stdout
        assert "public.orders  INTERNAL  55/100" in text
        assert f"ownership      {'█' * 20} 15/15" in text
        assert f"{'█' * 10}{'░' * 10} 10/20  not measured: checks_pass" in text
        assert f"operations     {'░' * 20}  0/10" in text
        assert "about 1,000,000 rows" in text
        assert "2 of 50 rows rejected, 7 rows parked" in text
        assert "-3 unique: twice\n     declared: a; observed: b\n" in text
        assert "-4 fresh: who knows (not evaluated)" in text
        assert "0 tagged: (2 points waived: [soon])" in text
        assert "+4 Look" in text
    document = json.loads(run("datasets", "show", "d-1", "--json").stdout)
    assert document["readiness_status"] == "INTERNAL"
    missing = run("datasets", "show", "nothing")
    assert missing.exit_code == 1
    assert "'nothing'" in missing.stderr


def test_lists(run: Callable[..., Result], state: "State", orders: Dataset) -> None:
    for number in range(3):
        name = f"a.t{number}"
        state.datasets[name] = Dataset(
            id=name,
            full_name=name,
            readiness_score=90 - number,
            readiness_status=Dataset.GOLD,
            dimension_scores=DIMENSIONS,
        )
    text = run("datasets", "list").stdout
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [
        ["a.t0", "90"],
        ["a.t1", "89"],
        ["a.t2", "88"],
        ["public.orders", "55"],
    ]
    assert "█▅▁" in text
    worst = run("datasets", "list", "--order", "worst-first", "--json").stdout
    assert [json.loads(line)["readiness_score"] for line in worst.splitlines()] == [55, 88, 89, 90]
    assert "a.t" not in run("datasets", "list", "--status", "internal").stdout
    assert "no such datasets" in run("datasets", "list", "--search", "nothing").stdout


def test_a_history(run: Callable[..., Result], state: "State", orders: Dataset) -> None:
    state.score_entries += [
        ScoreEntry(
            number=n,
            readiness_score=score,
            readiness_status=Dataset.DRAFT,
            dimension_scores=DIMENSIONS,
            cause=ScoreEntry.OBSERVED,
        )
        for n, score in ((4, 100), (3, 50), (2, 49), (1, 0))
    ]
    text = run("datasets", "history", "public.orders").stdout
    assert "▁▄▅█  0 to 100" in text
    assert "observed" in text
    assert "▅█  50 to 100" in run("datasets", "history", "public.orders", "--limit", "2").stdout
    lines = run("datasets", "history", "public.orders", "--json").stdout.splitlines()
    assert [json.loads(line)["number"] for line in lines] == ["4", "3", "2", "1"]


def test_a_watch(run: Callable[..., Result], state: "State", orders: Dataset) -> None:
    state.watch_cuts = [1, 0]
    gone = run("datasets", "watch")
    assert gone.stdout == " 55      █▅▁ INTERNAL public.orders\n"
    assert gone.exit_code == 1
    state.watch_cuts = [1, 0]
    document = json.loads(run("datasets", "watch", "public.orders", "--json").stdout)
    assert document["full_name"] == "public.orders"


def test_declare_and_waive(run: Callable[..., Result], state: "State", tmp_path: Path) -> None:
    file = tmp_path / "orders.json"
    file.write_text('{"full_name": "a.b", "description": "four", "checks": [{"kind": "UNIQUE"}]}')
    assert "a.b" in run("datasets", "declare", str(file)).stdout
    assert state.datasets["a.b"].declaration.checks[0].kind == 2
    assert run("datasets", "waive", "a.b", "tagged", "--because", "soon").exit_code == 0
    assert state.datasets["a.b"].waivers[0].justification == "soon"
    assert run("datasets", "unwaive", "a.b", "tagged").exit_code == 0
    assert not state.datasets["a.b"].waivers
    file.write_text('{"name": "a.b"}')
    wrong = run("datasets", "declare", str(file))
    assert wrong.exit_code == 2
    assert '"name"' in wrong.stderr
    assert "display_name" in wrong.stderr


def test_samples(run: Callable[..., Result], state: "State") -> None:
    assert "analytics.users" in run("datasets", "mock").stdout
    assert json.loads(run("datasets", "mock", "--json").stdout)["ingested"] == 1
