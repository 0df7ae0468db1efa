"""Places for looks at folders."""

import asyncio
from contextlib import AsyncExitStack

from headrace_server.core.storage.looking import AT_ONCE, OF_TENANT, Looks

HALF_A_MINUTE = 30


async def _hang(looks: Looks, tenant_id: str) -> None:
    async with looks.place(tenant_id):
        await asyncio.Event().wait()


async def test_shares_that_hang_hold_up_no_other_tenant() -> None:
    looks = Looks(quick=0.01)
    hanging = [
        asyncio.create_task(_hang(looks, tenant_id))
        for tenant_id in ("acme", "globex", "initech")
        for _ in range(2 * AT_ONCE)
    ]
    async with asyncio.timeout(HALF_A_MINUTE):
        for _ in range(3 * AT_ONCE):
            async with looks.place("umbrella"):
                pass
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    async with asyncio.timeout(HALF_A_MINUTE), AsyncExitStack() as stack:
        for number in range(AT_ONCE):
            await stack.enter_async_context(looks.place(str(number)))


async def test_not_too_many_are_under_way() -> None:
    looks, under_way, most = Looks(), 0, 0

    async def look(tenant_id: str) -> None:
        nonlocal under_way, most
        async with looks.place(tenant_id):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(look("acme") for _ in range(50)))
    assert most == OF_TENANT
    await asyncio.gather(*(look(str(number)) for number in range(50)))
    assert most == AT_ONCE
