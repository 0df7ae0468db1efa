from typing import TYPE_CHECKING

import pytest

from headrace_client import Client, NotFoundError

if TYPE_CHECKING:
    from client.fake.server import FakeServer


async def test_tables(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        assert [table.rows async for table in client.list_tables()] == [3, 3, 3, 3]
        assert (await client.describe_table("orders")).columns[0].primary_key
        with pytest.raises(NotFoundError):
            await client.describe_table("nothing")
