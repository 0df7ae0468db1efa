import asyncio

from headrace_server.db import signing_keys
from headrace_server.db.engine import ControlStore


async def test_the_first_key_of_a_name_stays(store: ControlStore) -> None:
    async with store.begin() as connection:
        assert await signing_keys.keep(connection, "links", b"first") == b"first"
    async with store.begin() as connection:
        assert await signing_keys.keep(connection, "links", b"second") == b"first"
        assert await signing_keys.keep(connection, "others", b"second") == b"second"


async def test_servers_that_start_at_once_agree(store: ControlStore) -> None:
    async def keep(number: int) -> bytes:
        async with store.begin() as connection:
            return await signing_keys.keep(connection, "links", bytes([number]) * 32)

    kept = await asyncio.gather(*map(keep, range(10)))
    assert len(set(kept)) == 1
