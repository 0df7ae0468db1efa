from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.core.mappings.accepting import RUN_MAPPINGS
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.ingestion import Kind, Status
from headrace_server.model.job import Priority
from headrace_server.model.mapping import Mapping, MappingStatus

from .conftest import CALLER, Results, Submit


def mapping(**changes: Any) -> Mapping:
    values = {"mapping_id": "m0", "source": "s", "target": "t", "transformation": {}}
    return Mapping(**(values | changes))


async def test_a_request_becomes_an_ingestion_with_its_mappings_and_a_job(
    core: Core, results: Results
) -> None:
    ingestion = await core.services.mappings.accept(
        CALLER, [mapping(), mapping(mapping_id="m1")], Priority.HIGH
    )
    assert await core.services.ingestions.get(CALLER, ingestion.request_id) == ingestion
    assert (ingestion.kind, ingestion.status, ingestion.total_units) == (
        Kind.MAPPINGS, Status.PENDING, 2
    )  # fmt: skip
    found = await results(ingestion.request_id)
    assert [(result.mapping_id, result.status) for result in found] == [
        ("m0", MappingStatus.PENDING),
        ("m1", MappingStatus.PENDING),
    ]
    (job,) = await core.jobs.claim("tests", [RUN_MAPPINGS], 2)
    assert (job.payload, job.priority) == ({"request_id": ingestion.request_id}, Priority.HIGH)


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"mapping_id": "m0"}, "id", "the id 'm0' comes twice"),
        ({"mapping_id": "a\0"}, "id", "must hold no NUL"),
        ({"source": "gopher://a"}, "source", "gopher: is no known scheme; use file:, http:, "),
        ({"target": "kafka:a"}, "target", "kafka: is no known scheme"),
        ({"target": "a\0"}, "target", "must hold no NUL"),
        ({"target": "table:a.orders"}, "target", "no contract declares the table a.orders"),
        ({"source": "table:a.b.c"}, "source", "addressed as table:schema.name"),
        ({"source": "file:///a.json"}, "source", "the server allows no folders"),
        ({"source": "https://a:b@c/"}, "source", "no user name and no password"),
        ({"transformation": {"a": {"from": "b", "cast": "c"}}}, "transformation", "cast 'c' is"),
    ],
)
async def test_what_can_never_work_is_refused_at_once(
    core: Core, wrong: dict[str, Any], field: str, words: str
) -> None:
    mappings = [mapping(), mapping(**{"mapping_id": "m1", **wrong})]
    with pytest.raises(InvalidFieldError) as caught:
        await core.services.mappings.accept(CALLER, mappings, Priority.LOW)
    (violation,) = caught.value.violations
    assert violation.field == f"mappings[1].{field}"
    assert violation.description.startswith(words) or words in violation.description
    assert violation.description in caught.value.message
    assert await core.services.ingestions.active() == 0


async def test_many_wrong_mappings_make_a_short_answer(core: Core) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        await core.services.mappings.accept(CALLER, [mapping()] * 1000, Priority.LOW)
    assert len(caught.value.violations) == 20


async def test_active_requests_are_counted(core: Core, submit: Submit) -> None:
    await submit(1)
    await submit(1)
    assert await core.services.health.check() == (True, 2)
