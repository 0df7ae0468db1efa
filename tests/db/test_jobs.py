from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

from headrace_server.db import jobs
from headrace_server.db.engine import ControlStore
from headrace_server.db.jobs import StoredJob, rank_of
from headrace_server.model.job import Clocks, Job, JobStatus, Priority

INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds must be naive


@given(INSTANTS, INSTANTS, st.sampled_from(Priority), st.sampled_from(Priority))
def test_ranks_order_by_creation_less_the_head_start(
    one: datetime, other: datetime, first: Priority, second: Priority
) -> None:
    ranks = rank_of(one, first) < rank_of(other, second)
    assert ranks == (one - first.value < other - second.value)


def _stored(number: int, now: datetime) -> StoredJob:
    job = Job(
        job_id=f"j{number}",
        kind=("k", "l")[number % 2],
        tenant_id=("acme", "globex")[number % 3 % 2],
        payload={},
        priority=Priority.MEDIUM,
        status=JobStatus.PENDING,
        attempt=0,
        failures=0,
        max_retries=0,
        worker_id=None,
        lease_expires_at=None,
        attempt_expires_at=None,
        available_at=now,
        last_error=None,
        created_at=now + timedelta(seconds=number),
        started_at=None,
        completed_at=None,
    )
    return StoredJob(job, Clocks(total=timedelta(days=1)), now + timedelta(days=1), readable=True)


async def test_heads_are_the_least_ranks_by_tenant_and_kind(
    store: ControlStore, now: datetime
) -> None:
    async with store.begin() as connection:
        for number in range(12):
            await jobs.insert(connection, _stored(number, now))
        await jobs.update(connection, "j0", {"available_at": now + timedelta(hours=1)})
        await jobs.update(connection, "j6", {"status": "COMPLETED", "started_at": now})
        heads = await jobs.waiting_heads(connection, ["k", "l", "m"], now)
        again = await jobs.waiting_heads(connection, ["k"], now + timedelta(hours=1))
        over = await jobs.waiting_heads(connection, ["k"], now + timedelta(days=1))
    found = {(head.tenant_id, head.kind): head for head in heads}
    ranks = {
        key: (head.rank - rank_of(now, Priority.MEDIUM)) // 10**6 for key, head in found.items()
    }
    assert ranks == {
        ("acme", "k"): 2,
        ("acme", "l"): 3,
        ("globex", "k"): 4,
        ("globex", "l"): 1,
    }
    assert {head.served_at for head in heads if head.tenant_id == "acme"} == {now}
    assert {head.served_at for head in heads if head.tenant_id == "globex"} == {None}
    assert min(head.rank for head in again) == rank_of(now, Priority.MEDIUM)
    assert over == []


@pytest.mark.parametrize("act", ["claim", "overdue"])
async def test_no_statement_reads_the_whole_table(
    store: ControlStore, now: datetime, act: str
) -> None:
    """Each reads through an index that holds only what it looks for."""
    statements: list[tuple[str, object]] = []
    async with store.begin() as connection:
        await connection.run_sync(
            lambda c: event.listen(
                c, "before_cursor_execute", lambda *a: statements.append((a[2], a[3]))
            )
        )
        if act == "claim":
            await jobs.waiting_heads(connection, ["k"], now)
            await jobs.lock_waiting(connection, "acme", "k", now, 5)
        else:
            await jobs.overdue(connection, now, 5)
        executed = list(statements)
        if store.dialect == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        for statement, parameters in executed:
            explain = "EXPLAIN QUERY PLAN " if store.dialect == "sqlite" else "EXPLAIN "
            rows = await connection.exec_driver_sql(explain + statement, parameters)  # type: ignore[arg-type]  # as the driver got them
            plan = "\n".join(str(row) for row in rows)
            assert "Seq Scan on jobs" not in plan
            assert "SCAN jobs" not in plan.replace("SCAN jobs USING INDEX ix_jobs_", "")
            assert "ix_jobs_" in plan
