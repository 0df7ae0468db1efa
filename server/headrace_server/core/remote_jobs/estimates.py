"""How long conversions take, as measured."""

from datetime import timedelta

from headrace_server.core.recent import RecentlyRead
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.db.engine import ControlStore
from headrace_server.model.remote_job import kind_of, usual_duration

_SAMPLE = 100
_LIFE_SECONDS = 10.0
_SIZE = 1000


class Durations:
    """The median duration of the newest completed attempts, by tenant and content type."""

    def __init__(self, store: ControlStore) -> None:
        self._store = store
        self._recent: RecentlyRead[timedelta] = RecentlyRead(_LIFE_SECONDS, _SIZE)

    async def expected(self, tenant_id: str, content_type: str) -> timedelta:
        """Return how long an attempt is likely to take; the usual time until any was measured."""

        async def measure() -> timedelta:
            async with self._store.read() as connection:
                kind = kind_of(content_type)
                found = await remote_rows.durations(connection, tenant_id, kind, _SAMPLE)
            return sorted(found)[len(found) // 2] if found else usual_duration(content_type)

        expected = await self._recent.get(f"{tenant_id}/{content_type}", measure)
        return expected or usual_duration(content_type)
