"""The watch of all datasets of a tenant: its state is kept, and only what changed is read."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from weakref import WeakValueDictionary

from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.watching import Watches
from headrace_server.db import datasets as dataset_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import readiness_topic
from headrace_server.model.dataset import Dataset, ReadinessSnapshot
from headrace_server.model.tenant import Principal

#: datasets of one message, and those of the last one's revision
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class ReadinessChange:
    """What changed since the message before."""

    revision: int
    #: as they stand now; empty in heartbeats
    datasets: tuple[Dataset, ...]


class ReadinessWatch:
    """Streams the changes of tenants' datasets."""

    def __init__(self, store: ControlStore, datasets: Datasets, watches: Watches) -> None:
        self._store = store
        self._datasets = datasets
        self._watches = watches
        self._kept: WeakValueDictionary[str, _Kept] = WeakValueDictionary()

    async def stream(
        self, caller: Principal, after_revision: int, name: str = ""
    ) -> AsyncGenerator[ReadinessChange, None]:
        """Yield the datasets that changed after a revision, then each change; never ends.

        With a name only that dataset's, and NotFoundError where there is none. Raises
        QuotaExceededError for one stream too many.
        """
        only = (await self._datasets.get(caller, name)).dataset_id if name else None
        tenant_id = caller.tenant_id
        kept = self._kept.setdefault(tenant_id, _Kept(self._store, tenant_id))
        seen, first = after_revision, True
        topic = readiness_topic(tenant_id)
        async with aclosing(self._watches.stream(tenant_id, topic, kept.read, -1)) as snapshots:
            async for snapshot in snapshots:
                if first and seen > snapshot.revision:
                    # Of another store, or of this one before it was restored.
                    seen = 0
                first = False
                changed = [
                    dataset
                    for dataset in snapshot.datasets.values()
                    if dataset.revision > seen and only in {None, dataset.dataset_id}
                ]
                for change in _in_parts(changed, snapshot.revision):
                    yield change
                seen = max(seen, snapshot.revision)


def _in_parts(changed: Sequence[Dataset], revision: int) -> Iterator[ReadinessChange]:
    """Messages of a bearable size, each with a revision of its own to go on after."""
    part: list[Dataset] = []
    for dataset in sorted(changed, key=lambda dataset: dataset.revision):
        if len(part) >= _AT_ONCE and dataset.revision > part[-1].revision:
            yield ReadinessChange(part[-1].revision, tuple(part))
            part = []
        part.append(dataset)
    yield ReadinessChange(revision, tuple(part))


class _Kept:
    """The newest snapshot of a tenant, as long as anybody watches."""

    def __init__(self, store: ControlStore, tenant_id: str) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._newest = ReadinessSnapshot(0, {})

    async def read(self) -> ReadinessSnapshot:
        """Read what changed since the last time."""
        before = self._newest
        async with self._store.read() as connection:
            revision, changed = await dataset_rows.changed_after(
                connection, self._tenant_id, before.revision
            )
        # Two may read at once; each result is whole by itself.
        if revision > before.revision:
            datasets = {**before.datasets, **{each.dataset_id: each for each in changed}}
            self._newest = ReadinessSnapshot(revision, datasets)
            return self._newest
        return before
