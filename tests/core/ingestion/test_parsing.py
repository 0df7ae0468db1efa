"""The processes that parse."""

import os

from headrace_server.core.ingestion.parsing import process_pool


def test_parsing_gives_way_to_the_server() -> None:
    with process_pool(1) as pool:
        assert pool.submit(os.nice, 0).result() == min(os.nice(0) + 15, 19)
