from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.files.multipart import PartBegin, PartData, PartEnd, boundary_of, parts
from headrace_server.model.errors import InvalidFieldError

FORM = (
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="orders_1.ndjson"\r\n'
    b"Content-Type: application/x-ndjson\r\n\r\n"
    b'{"a": 1}\n--xy\r\n--x\r\n'
    b'\r\n--xyz\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n--xyz--\r\n'
)


async def stream(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(form: bytes, size: int = 1 << 16) -> list[tuple[PartBegin, bytes]]:
    found: list[tuple[PartBegin, bytes]] = []
    ended = 0
    async for event in parts(stream(form, size), b"xyz"):
        match event:
            case PartBegin():
                found.append((event, b""))
            case PartData(data):
                found[-1] = (found[-1][0], found[-1][1] + data)
            case PartEnd():
                ended += 1
    assert ended == len(found)
    return found


@given(st.integers(1, len(FORM)))
async def test_parts_do_not_depend_on_how_the_body_is_cut(size: int) -> None:
    assert await read(FORM, size) == [
        (PartBegin("file", "orders_1.ndjson"), b'{"a": 1}\n--xy\r\n--x\r\n'),
        (PartBegin("note", None), b"hello"),
    ]


@pytest.mark.parametrize("form", [FORM[:-8], b"", b"no form at all", FORM.replace(b"xyz", b"abc")])
async def test_broken_form_is_refused(form: bytes) -> None:
    with pytest.raises(InvalidFieldError, match="body"):
        await read(form)


def test_boundary_is_read_off_the_content_type() -> None:
    assert boundary_of('multipart/form-data; charset=utf-8; boundary="a b"') == b"a b"
    assert boundary_of("application/x-ndjson") is None
    assert boundary_of("") is None
    with pytest.raises(InvalidFieldError, match="boundary"):
        boundary_of("multipart/form-data")
