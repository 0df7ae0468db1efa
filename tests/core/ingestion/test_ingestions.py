import pytest

from headrace_server.app import Core
from headrace_server.core.pages import encode_token
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.page import PageRequest

from .conftest import CALLER, Send


@pytest.mark.parametrize("values", [(2**40, 0, 0), (0, 2**31, 0), (0, 0, -1)])
async def test_forged_place_in_results_is_an_invalid_token(
    core: Core, send: Send, values: tuple[int, ...]
) -> None:
    ingestion = await send("customers_1.ndjson", b"")
    page = PageRequest(0, encode_token(values))
    with pytest.raises(InvalidFieldError, match="page_token"):
        await core.services.ingestions.results(CALLER, ingestion.request_id, page)
