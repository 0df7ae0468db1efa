"""A tenant's datasets: declared, scored, listed, excused."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from headrace_server.core.pages import decode_token, invalid_token, page_of
from headrace_server.core.readiness.declarations import check_declaration
from headrace_server.core.readiness.records import Change, rescored, scored, store
from headrace_server.core.readiness.ruleset import RULES_BY_NAME, VERSION
from headrace_server.db import dataset_scores
from headrace_server.db import datasets as dataset_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups, readiness_topic
from headrace_server.model.dataset import (
    Dataset,
    DatasetFilter,
    Declaration,
    ScoreCause,
    ScoreEntry,
    Waiver,
)
from headrace_server.model.errors import InvalidFieldError, NotFoundError
from headrace_server.model.observation import Observation
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import Principal

_RESCORED_AT_ONCE = 200

_Work = Callable[[Connection], Awaitable[Sequence[Change]]]


class Datasets:
    """Datasets of all tenants. One is named by its id or its full name.

    Methods that name one raise NotFoundError where the caller's tenant has none of that name.
    """

    def __init__(
        self, store: ControlStore, wakeups: Wakeups, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._wakeups = wakeups
        self._clock = clock

    async def declare(
        self, caller: Principal, declarations: Sequence[Declaration], *, recorded: bool = False
    ) -> Sequence[Dataset]:
        """Create or replace what is declared of datasets, all or none; scores each.

        Raises InvalidFieldError where a declaration contradicts itself. With `recorded` each score
        enters the history, changed or not.
        """
        tenant_id, now = caller.tenant_id, self._clock()

        async def work(connection: Connection) -> list[Change]:
            names = [declaration.full_name for declaration in declarations]
            found = await _find_all(connection, tenant_id, names)
            return [
                _declared(found.get(new.full_name), tenant_id, new, now) for new in declarations
            ]

        return await self._change(tenant_id, work, ScoreCause.DECLARED, recorded=recorded)

    async def get(self, caller: Principal, name: str) -> Dataset:
        """Return a dataset with all that explains its score."""
        async with self._store.read() as connection:
            found = await _read(connection, caller.tenant_id, name)
        now, until = self._clock(), found.evaluation.valid_until
        # Time has changed the score, and the next round of housekeeping writes that down.
        return found if until is None or until > now else rescored(found, now)

    async def find(self, tenant_id: str, full_name: str) -> Dataset | None:
        """Return the dataset of a full name, if there is one."""
        async with self._store.read() as connection:
            return (await _find_all(connection, tenant_id, [full_name])).get(full_name)

    async def list(
        self, caller: Principal, wanted: DatasetFilter, page: PageRequest
    ) -> Page[Dataset]:
        """Return a page of the datasets, without reasons. Raises InvalidFieldError."""
        after = _score_and_name(page.token) if page.token else None
        async with self._store.read() as connection:
            rows = await dataset_rows.page(
                connection,
                caller.tenant_id,
                wanted,
                after,
                page.limit + 1,
            )
        return page_of(
            rows,
            page.limit,
            lambda last: [last.evaluation.score, last.declaration.full_name],
        )

    async def history(self, caller: Principal, name: str, page: PageRequest) -> Page[ScoreEntry]:
        """Return a page of a dataset's scores, newest first. Raises InvalidFieldError."""
        before = int(decode_token(page.token, int)[0]) if page.token else None
        async with self._store.read() as connection:
            dataset_id = await _id_of(connection, caller.tenant_id, name)
            rows = await dataset_scores.history(connection, dataset_id, before, page.limit + 1)
        return page_of(rows, page.limit, lambda last: [last.number])

    async def score(self, caller: Principal, name: str) -> Dataset:
        """Score a dataset anew; the score enters the history, changed or not."""
        tenant_id, now = caller.tenant_id, self._clock()

        async def work(connection: Connection) -> list[Change]:
            before = await _read(connection, tenant_id, name)
            return [(before, rescored(before, now))]

        (written,) = await self._change(tenant_id, work, ScoreCause.REQUESTED, recorded=True)
        return written

    async def observed(
        self,
        tenant_id: str,
        full_name: str,
        see: Callable[[Observation | None], Observation],
        *,
        recorded: bool = False,
    ) -> Dataset:
        """Score a dataset by what was seen of its table; the first sight makes it one.

        `see` makes the observation, given the one before.
        """
        now = self._clock()

        async def work(connection: Connection) -> list[Change]:
            before = (await _find_all(connection, tenant_id, [full_name])).get(full_name)
            observation = see(before.observation if before else None)
            declaration = before.declaration if before else Declaration(full_name)
            waivers = before.waivers if before else ()
            after = scored(before, tenant_id, declaration, observation, waivers, now)
            return [(before, after)]

        (written,) = await self._change(tenant_id, work, ScoreCause.OBSERVED, recorded=recorded)
        return written

    async def grant(
        self, caller: Principal, name: str, rule: str, justification: str, expires_at: datetime
    ) -> Dataset:
        """Excuse the losses of a rule until then. Raises InvalidFieldError."""
        now = self._clock()
        if rule not in RULES_BY_NAME:
            known = ", ".join(sorted(RULES_BY_NAME))
            raise InvalidFieldError.of("rule", f"no rule is called {rule!r}; there are {known}")
        if expires_at <= now:
            raise InvalidFieldError.of(
                "expires_at", f"must lie ahead, and {expires_at.isoformat()} has passed"
            )
        waiver = Waiver(rule, justification, caller.key_id, now, expires_at)
        return await self._excuse(caller.tenant_id, name, rule, waiver)

    async def revoke(self, caller: Principal, name: str, rule: str) -> Dataset:
        """Take a waiver back; where there is none nothing changes."""
        return await self._excuse(caller.tenant_id, name, rule, None)

    async def _excuse(self, tenant_id: str, name: str, rule: str, waiver: Waiver | None) -> Dataset:
        now = self._clock()

        async def work(connection: Connection) -> list[Change]:
            before = await _read(connection, tenant_id, name)
            if waiver is None:
                await dataset_rows.delete_waiver(connection, before.dataset_id, rule)
            else:
                await dataset_rows.put_waiver(connection, before.dataset_id, waiver)
            (after,) = await dataset_rows.read(connection, [before.dataset_id])
            return [(before, rescored(after, now))]

        (written,) = await self._change(tenant_id, work, ScoreCause.WAIVER)
        return written

    async def rescore_due(self) -> int:
        """Score those anew whose time has run out, or whom other rules judged; how many."""
        count = 0
        while due := await self._due():
            for tenant_id, dataset_ids in due.items():
                await self._rescore(tenant_id, dataset_ids)
                count += len(dataset_ids)
        return count

    async def _due(self) -> dict[str, Sequence[str]]:
        async with self._store.read() as connection:
            found = await dataset_rows.due(connection, self._clock(), VERSION, _RESCORED_AT_ONCE)
        by_tenant: dict[str, list[str]] = {}
        for tenant_id, dataset_id in found:
            by_tenant.setdefault(tenant_id, []).append(dataset_id)
        return dict(by_tenant)

    async def _rescore(self, tenant_id: str, dataset_ids: Sequence[str]) -> None:
        now = self._clock()

        async def work(connection: Connection) -> list[Change]:
            found = await dataset_rows.read(connection, dataset_ids)
            return [(before, rescored(before, now)) for before in found]

        await self._change(tenant_id, work, ScoreCause.RESCORED)

    async def _change(
        self, tenant_id: str, work: _Work, cause: ScoreCause, *, recorded: bool = False
    ) -> Sequence[Dataset]:
        """Write what `work` makes of datasets that nobody else changes meanwhile; tell of it."""
        async with self._store.begin() as connection:
            revision = await dataset_rows.lock(connection, tenant_id)
            changes = await work(connection)
            written = await store(
                connection, tenant_id, revision, changes, cause, recorded=recorded
            )
        self._wakeups.notify(readiness_topic(tenant_id))
        return written


def _declared(before: Dataset | None, tenant_id: str, new: Declaration, now: datetime) -> Change:
    observation = before.observation if before else None
    check_declaration(new, observation, now)
    waivers = before.waivers if before else ()
    return before, scored(before, tenant_id, new, observation, waivers, now)


def _score_and_name(token: str) -> tuple[int, str]:
    score, full_name = decode_token(token, int, str)
    if score not in range(101):
        raise invalid_token()
    return int(score), str(full_name)


async def _find_all(
    connection: Connection, tenant_id: str, full_names: Sequence[str]
) -> dict[str, Dataset]:
    ids = await dataset_rows.ids_of(connection, tenant_id, full_names)
    found = await dataset_rows.read(connection, list(ids.values()))
    return {dataset.declaration.full_name: dataset for dataset in found}


async def _id_of(connection: Connection, tenant_id: str, name: str) -> str:
    found = await dataset_rows.find_id(connection, tenant_id, name)
    if found is None:
        raise NotFoundError("dataset", name)
    return found


async def _read(connection: Connection, tenant_id: str, name: str) -> Dataset:
    dataset_id = await _id_of(connection, tenant_id, name)
    (found,) = await dataset_rows.read(connection, [dataset_id])
    return found
