"""How many folders a server looks at at once, so that slow ones hold up no others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from weakref import WeakValueDictionary

#: folders at the same time, and those of one tenant
AT_ONCE, OF_TENANT = 8, 4
#: seconds after which a look leaves its place among those of all tenants
QUICK = 2.0


class Looks:
    """Places for looks: a tenant whose shares hang waits for himself, and nobody for him."""

    def __init__(self, quick: float = QUICK) -> None:
        self._quick = quick
        self._all = asyncio.Semaphore(AT_ONCE)
        self._by_tenant: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def place(self, tenant_id: str) -> AsyncIterator[None]:
        """Wait for a place, and keep it until the block ends; among all only if that is soon."""
        own = self._by_tenant.setdefault(tenant_id, asyncio.Semaphore(OF_TENANT))
        async with own:
            await self._all.acquire()
            ended = asyncio.Event()
            keeping = asyncio.create_task(self._keep(ended))
            try:
                yield
            finally:
                ended.set()
                await keeping

    async def _keep(self, ended: asyncio.Event) -> None:
        """Give the place back when the look has ended, or is slow."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._quick):
                    await ended.wait()
        finally:
            self._all.release()
