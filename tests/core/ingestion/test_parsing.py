"""The processes that parse."""

import gc
import os
from collections.abc import Callable, Sequence
from colorsys import rgb_to_hsv
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.core.ingestion.parsing import Parsers, process_pool
from headrace_server.model.ingestion import Status

from .conftest import CALLER, MakeParsers, Send, Work, customer, lines


@pytest.fixture
def make_parsers() -> MakeParsers:
    return process_pool


@pytest.mark.usefixtures("measured_processes")
def test_parsing_gives_way_to_the_server() -> None:
    with process_pool(1) as pool:
        assert pool.submit(os.nice, 0).result() == min(os.nice(0) + 15, 19)


@pytest.mark.parametrize("functions", [(), (rgb_to_hsv,)])
def test_processes_begin_with_the_modules_of_their_functions(
    functions: Sequence[Callable[..., object]],
) -> None:
    with process_pool(1, functions) as pool:
        is_there = pool.submit(eval, "'colorsys' in __import__('sys').modules").result()
    assert is_there == bool(functions)


def test_processes_come_up_before_their_first_task() -> None:
    with process_pool(1, (), gc.disable) as pool:
        assert not pool.submit(gc.isenabled).result()


async def test_killed_parser_is_replaced(core: Core, send: Send, work: Work) -> None:
    parsers: Parsers = core.loading._parsers
    ingestion = await send("customers_1.ndjson", lines(map(customer, range(100))))
    executor: Any = parsers._executor
    executor.submit(int).result()
    for process in executor._processes.values():
        process.kill()
    await work()
    done = await core.services.ingestions.get(CALLER, ingestion.request_id)
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 100)
