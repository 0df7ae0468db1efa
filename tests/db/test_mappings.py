from dataclasses import replace

import pytest

from headrace_server.db import ingestions, mappings
from headrace_server.db.engine import ControlStore
from headrace_server.model.ingestion import Ingestion, Kind
from headrace_server.model.mapping import (
    Mapping,
    MappingCounts,
    MappingOutcome,
    MappingStatus,
    PendingMapping,
)

MAPPINGS = [
    Mapping(f"m{number}", f"source {number}", "target", {"number": number, "from": {"from": "a"}})
    for number in range(5)
]


@pytest.fixture(autouse=True)
async def stored(store: ControlStore, ingestion: Ingestion) -> None:
    """Two requests, of which r1 has mappings."""
    async with store.begin() as connection:
        for request_id in ("r1", "r2"):
            request = replace(ingestion, request_id=request_id, kind=Kind.MAPPINGS)
            await ingestions.insert(connection, request, "j1", ())
        await mappings.insert(connection, "r1", MAPPINGS)


def outcome(
    position: int, status: MappingStatus = MappingStatus.COMPLETED, attempts: int = 1
) -> MappingOutcome:
    error = None if status is MappingStatus.COMPLETED else "no"
    return MappingOutcome(position, status, attempts, 20, error, None if error else {"ok": True})


async def test_pending_mappings_come_in_their_order(store: ControlStore) -> None:
    async with store.read() as connection:
        assert await mappings.pending(connection, "r1", -1, 2) == [
            PendingMapping(0, MAPPINGS[0], 0),
            PendingMapping(1, MAPPINGS[1], 0),
        ]
        found = await mappings.pending(connection, "r1", 3, 9)
        assert [each.position for each in found] == [4]
        assert await mappings.pending(connection, "r2", -1, 9) == []


async def test_outcomes_are_written_down_once(store: ControlStore) -> None:
    async with store.begin() as connection:
        await mappings.record(
            connection, "r1", [outcome(1), outcome(3, MappingStatus.FAILED, attempts=4)]
        )
        await mappings.record(connection, "r1", [outcome(1, MappingStatus.FAILED)])
        found = await mappings.results_page(connection, "r1", -1, 9)
        assert [each.position for each in await mappings.pending(connection, "r1", -1, 9)] == [
            0, 2, 4
        ]  # fmt: skip
        assert await mappings.counts(connection, "r1") == MappingCounts(5, 1, 1, 0)
    assert [each.status for each in found] == [
        MappingStatus.PENDING,
        MappingStatus.COMPLETED,
        MappingStatus.PENDING,
        MappingStatus.FAILED,
        MappingStatus.PENDING,
    ]
    assert (found[1].mapping_id, found[1].latency_ms, found[1].output) == ("m1", 20, {"ok": True})
    assert (found[3].attempts, found[3].error, found[3].output) == (4, "no", None)


async def test_what_ended_badly_is_opened_again_and_its_attempts_stay(
    store: ControlStore,
) -> None:
    async with store.begin() as connection:
        await mappings.record(connection, "r1", [outcome(0), outcome(1, MappingStatus.FAILED)])
        await mappings.end_pending(connection, "r1", MappingStatus.CANCELLED)
        assert await mappings.counts(connection, "r1") == MappingCounts(5, 1, 1, 3)
        await mappings.reopen(connection, "r1")
        found = await mappings.pending(connection, "r1", -1, 9)
    assert [(each.position, each.attempts) for each in found] == [(1, 1), (2, 0), (3, 0), (4, 0)]


async def test_what_is_left_can_fail_with_a_reason(store: ControlStore) -> None:
    async with store.begin() as connection:
        await mappings.record(connection, "r1", [outcome(0)])
        await mappings.end_pending(connection, "r1", MappingStatus.FAILED, "given up")
        found = await mappings.results_page(connection, "r1", -1, 9)
        counts = await mappings.counts(connection, "r1")
    assert [each.error for each in found] == [None] + ["given up"] * 4
    assert counts.processed == 5


async def test_results_come_in_pages(store: ControlStore) -> None:
    async with store.read() as connection:
        found = await mappings.results_page(connection, "r1", 1, 2)
        assert [each.mapping_id for each in found] == ["m2", "m3"]
        assert await mappings.results_page(connection, "r2", -1, 9) == []
