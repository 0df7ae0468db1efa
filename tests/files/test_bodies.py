from collections.abc import AsyncIterator

import pytest

from headrace_server.files.bodies import whole
from headrace_server.model.errors import WrongLengthError


async def _body() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"c"


@pytest.mark.parametrize("total", [None, 3])
async def test_a_whole_body_passes(total: int | None) -> None:
    assert [data async for data in whole(_body(), total)] == [b"ab", b"c"]


@pytest.mark.parametrize("total", [0, 2, 4])
async def test_another_length_than_declared_is_told_at_the_end(total: int) -> None:
    body = whole(_body(), total)
    assert [await anext(body), await anext(body)] == [b"ab", b"c"]
    with pytest.raises(WrongLengthError, match=f"3 bytes arrived and {total} were declared"):
        await anext(body)
