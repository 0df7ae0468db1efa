from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from headrace_client import Client, HeadraceError, InvalidRequestError, UnavailableError

if TYPE_CHECKING:
    from client.fake.server import FakeServer


async def test_rows_are_what_their_columns_say(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        rows = [row async for row in client.query("SELECT 1")]
    assert rows[0] == {
        "id": 1, "price": Decimal("1.5"), "share": 2.0, "name": "an\napple", "more": None,
    }  # fmt: skip
    assert isinstance(rows[0]["share"], float)
    assert [row["id"] for row in rows] == [1, 2**53 + 1, 2**53 + 1]
    assert rows[2]["more"] == {"a": [1]}


async def test_an_answer_without_its_end_was_cut(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        with pytest.raises(UnavailableError, match="cut"):
            _ = [row async for row in client.query("SELECT cut")]


async def test_what_is_wrong_says_where(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        with pytest.raises(InvalidRequestError) as raised:
            _ = [row async for row in client.query("SELECT nope")]
        assert raised.value.metadata == {"line": "1", "column": "8"}
        with pytest.raises(HeadraceError) as late:
            _ = [row async for row in client.query("SELECT slow", timeout_seconds=1)]
        assert late.value.reason == "QUERY_TIMEOUT"
