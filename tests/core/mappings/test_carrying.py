import asyncio
from typing import Any

import pytest

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.registry import BARE, Connectors
from headrace_server.core.mappings.carrying import MAX_OUTPUT, Carrier
from headrace_server.core.mappings.circuits import Hosts
from headrace_server.model.mapping import (
    Mapping,
    MappingOutcome,
    MappingStatus,
    PendingMapping,
)
from headrace_server.model.nesting import MAX_DEPTH

from .conftest import ScriptedSystem


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were slept between tries; none really are."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


async def carry(
    system: ScriptedSystem, *, attempts: int = 0, hosts: Hosts | None = None, **rules: Any
) -> MappingOutcome:
    pending = PendingMapping(3, Mapping("m1", "source", "target", rules), attempts)
    carrier = Carrier(Connectors({BARE: system}), hosts or Hosts(1), jitter=lambda: 0.0)
    return await carrier.carry("acme", "r1", pending)


async def test_what_is_read_is_transformed_and_written() -> None:
    system = ScriptedSystem()
    outcome = await carry(system, name={"from": "id"}, kind="x")
    ((record, call),) = system.written
    assert record == {"name": "m1", "kind": "x"}
    assert (call.tenant_id, call.request_id, call.mapping_id, call.attempt) == (
        "acme", "r1", "m1", 1
    )  # fmt: skip
    assert (outcome.position, outcome.status, outcome.attempts, outcome.error, outcome.output) == (
        3, MappingStatus.COMPLETED, 1, None, {"accepted": 1}
    )  # fmt: skip


async def test_a_temporary_error_is_tried_again_after_longer_and_longer(
    delays: list[float],
) -> None:
    system = ScriptedSystem(tries=4)
    system.errors = [TemporaryError("busy")] * 3
    outcome = await carry(system, attempts=2)
    assert (outcome.status, outcome.attempts) == (MappingStatus.COMPLETED, 6)
    assert delays == [0.2, 0.4, 0.8]
    assert system.reads == 1
    assert system.written[0][1].attempt == 6


async def test_tries_come_to_an_end(delays: list[float]) -> None:
    system = ScriptedSystem(tries=2)
    system.errors = [TemporaryError("busy")] * 3
    outcome = await carry(system)
    assert (outcome.status, outcome.attempts, outcome.error) == (MappingStatus.FAILED, 2, "busy")
    assert len(delays) == 1


async def test_the_other_side_says_when_to_come_again(delays: list[float]) -> None:
    system = ScriptedSystem(tries=3)
    system.errors = [TemporaryError("busy", 7.0), TemporaryError("busy", 0.1)]
    await carry(system)
    assert delays == [7.0, 0.4]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectorError("404 Not Found"), "404 Not Found"),
        (RuntimeError("a secret"), "internal error (RuntimeError); the server's log says more"),
        (ConnectorError("a\0b\ud800" + "x" * 2000), "a\N{REPLACEMENT CHARACTER}b?" + "x" * 996),
    ],
)
async def test_any_other_error_is_the_outcome(error: Exception, words: str) -> None:
    system = ScriptedSystem(tries=4)
    system.errors = [error]
    outcome = await carry(system)
    assert (outcome.status, outcome.attempts, outcome.error) == (MappingStatus.FAILED, 1, words)


async def test_a_record_that_does_not_fit_is_not_written() -> None:
    system = ScriptedSystem()
    outcome = await carry(system, total={"from": "id", "cast": "decimal"})
    assert outcome.error == "field 'total': 'm1' is no decimal"
    assert system.written == []


async def test_a_host_that_rests_costs_no_attempt() -> None:
    system, hosts = ScriptedSystem(host="a:80"), Hosts(1, failures=1)
    system.errors = [TemporaryError("down")]
    first = await carry(system, hosts=hosts)
    second = await carry(system, hosts=hosts, attempts=1)
    assert (first.attempts, second.attempts) == (1, 1)
    assert second.status is MappingStatus.FAILED
    assert "a:80 was not called" in (second.error or "")


async def test_of_a_long_answer_its_length_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    system = ScriptedSystem()

    async def write(*_: object) -> dict[str, str]:
        return {"answer": "x" * MAX_OUTPUT}

    monkeypatch.setattr(system, "write", write)
    outcome = await carry(system)
    assert outcome.output == {"truncated": True, "bytes": MAX_OUTPUT + 13}


@pytest.mark.parametrize("opening", ["{", "["])
async def test_of_a_deep_answer_its_length_is_kept(
    opening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message can show it."""
    system, answers = ScriptedSystem(), iter((MAX_DEPTH - 1, MAX_DEPTH, 500))

    async def write(*_arguments: object) -> dict[str, Any]:
        answer: Any = 1
        for _ in range(next(answers)):
            answer = {"a": answer} if opening == "{" else [answer]
        return {"a": answer}

    monkeypatch.setattr(system, "write", write)
    whole, *deep = [(await carry(system)).output or {} for _ in range(3)]
    assert "truncated" not in whole
    assert [each["truncated"] for each in deep] == [True, True]


async def test_failures_of_the_source_are_not_the_targets(
    delays: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    system = ScriptedSystem(tries=3)
    failing, read = [TemporaryError("busy")] * 2, system.read

    async def read_at_last(*args: Any) -> Any:
        if failing:
            raise failing.pop()
        return await read(*args)

    monkeypatch.setattr(system, "read", read_at_last)
    system.errors = [TemporaryError("busy")] * 2
    outcome = await carry(system)
    assert (outcome.status, outcome.attempts, system.reads) == (MappingStatus.COMPLETED, 5, 1)
    assert delays == [0.2, 0.4, 0.2, 0.4]
