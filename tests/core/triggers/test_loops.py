from datetime import UTC, datetime

import pytest

from headrace_server.core.triggers.loops import MOST_LINKS, chain_of, marked, refusal, writes
from headrace_server.model.mapping import Mapping
from headrace_server.model.pipeline import Approval, Definition, Ingest, Step
from headrace_server.model.trigger import Trigger, TriggerSettings, TriggerStatus, TriggerType

TRIGGER = Trigger(
    "trigger_1",
    "acme",
    "sync",
    TriggerType.WEBHOOK,
    TriggerSettings("t"),
    TriggerStatus.ACTIVE,
    datetime(2026, 11, 1, tzinfo=UTC),
)


def test_a_run_carries_the_triggers_that_led_to_it() -> None:
    event = marked(TRIGGER, {"body": 1, "chain": ["trigger_0"]})
    assert event == {"body": 1, "chain": ["trigger_0", "trigger_1"]}
    assert chain_of(event) == ["trigger_0", "trigger_1"]


@pytest.mark.parametrize("event", [{}, {"chain": None}, {"chain": "trigger_1"}, {"chain": [1]}])
def test_what_is_no_chain_is_none(event: dict[str, object]) -> None:
    assert chain_of(event) == []
    assert refusal(TRIGGER, event) is None


def test_a_trigger_does_not_start_itself() -> None:
    assert refusal(TRIGGER, {"chain": ["trigger_0"]}) is None
    assert "this is a loop" in str(refusal(TRIGGER, {"chain": ["trigger_1"]}))
    by = refusal(TRIGGER, {"chain": ["trigger_0", "trigger_1", "trigger_2"]})
    assert "again by way of trigger_2;" in str(by)


def test_chains_have_an_end() -> None:
    chain = [f"trigger_x{number}" for number in range(MOST_LINKS)]
    assert refusal(TRIGGER, {"chain": chain[1:]}) is None
    assert "that is a loop, or will be one" in str(refusal(TRIGGER, {"chain": chain}))


@pytest.mark.parametrize(
    ("target", "name", "written"),
    [
        ("file:/srv/in/out.json", "out.json", True),
        ("file:/srv/in/out.json", "in.json", False),
        ("file:/srv/in/out.json", "out.json.bak", False),
        ("s3://bucket/out_{{ execution_date }}_{{ run_id }}.json", "out_2026-11-01_r1.json", True),
        ("s3://bucket/out_{{ execution_date }}.json", "in_2026-11-01.json", False),
        ("table:out.json", "out.json", False),
        ("warehouse", "warehouse", False),
    ],
)
def test_what_a_pipeline_writes(target: str, name: str, written: bool) -> None:
    steps = (
        Step("ask", Approval()),
        Step("write", Ingest((Mapping("m1", "crm", target, {}),))),
    )
    assert writes(Definition("Sync", steps), name) is written
