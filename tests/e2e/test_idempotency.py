"""Idempotency-Key over REST."""

import asyncio

import httpx
import pytest

from .conftest import (
    COMPREHENSIVE,
    SESSIONS,
    Json,
    Site,
    bad_fields,
    customer,
    detail,
    lines,
    new_id,
    ok,
    reason,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def count(site: Site) -> int:
    return len((await site.get("/status", page_size=1000))["statuses"])


async def test_the_same_request_again_answers_the_same(site: Site) -> None:
    key, data, before = {"Idempotency-Key": new_id()}, lines(customer(new_id())), await count(site)
    first = await site.ingest("customers_1.ndjson", data, key)
    await site.ended(first["request_id"])
    assert await site.ingest("customers_1.ndjson", data, key) == first
    form = [("file", ("customers_1.ndjson", data))]
    assert ok(await site.rest.post(COMPREHENSIVE, files=form, headers=key)) == first
    assert await count(site) == before + 1


async def test_the_key_with_another_file_is_refused(site: Site) -> None:
    key, data = {"Idempotency-Key": new_id()}, lines(customer(new_id()))
    await site.ingest("customers_1.ndjson", data, key)
    before = await count(site)
    for name, other in (("customers_1.ndjson", data + b"\n"), ("customers_2.ndjson", data)):
        answer = await site.rest.post(
            COMPREHENSIVE, params={"file_name": name}, content=other, headers=key
        )
        assert bad_fields(answer) == ["idempotency-key"]
        assert reason(answer) == "IDEMPOTENCY_KEY_REUSED"
    assert await count(site) == before


async def test_a_key_belongs_to_its_method(site: Site) -> None:
    key, data = {"Idempotency-Key": new_id()}, lines(customer(new_id()))
    first = await site.ingest("customers_1.ndjson", data, key)
    session = await site.rest.post(SESSIONS, json={"file_name": "customers_1.ndjson"}, headers=key)
    assert ok(session)["upload_token"] != first["upload_token"]
    again = await site.rest.post(SESSIONS, json={"file_name": "customers_1.ndjson"}, headers=key)
    assert again.json() == session.json()
    other = await site.rest.post(SESSIONS, json={"file_name": "orders_1.ndjson"}, headers=key)
    assert (other.status_code, reason(other)) == (400, "IDEMPOTENCY_KEY_REUSED")


async def test_a_request_that_fails_validation_does_not_burn_the_key(site: Site) -> None:
    key = {"Idempotency-Key": new_id()}
    refused = await site.rest.post(SESSIONS, json={"file_name": ""}, headers=key)
    assert bad_fields(refused) == ["file_name"]
    ok(await site.rest.post(SESSIONS, json={"file_name": "customers_1.ndjson"}, headers=key))
    unknown = await site.rest.post(
        COMPREHENSIVE, params={"file_name": "x.ndjson"}, content=b"{}\n", headers=key
    )
    assert reason(unknown) == "UNKNOWN_DATA_TYPE"
    await site.ingest("customers_1.ndjson", lines(customer(new_id())), key)


async def test_fifty_at_once_have_one_effect_and_equal_answers(site: Site) -> None:
    key, data, before = {"Idempotency-Key": new_id()}, lines(customer(new_id())), await count(site)
    retried: list[httpx.Response] = []

    async def send() -> Json:
        while True:
            answer = await site.rest.post(
                COMPREHENSIVE, params={"file_name": "customers_1.ndjson"}, content=data, headers=key
            )
            if answer.status_code != 409:
                return ok(answer)
            retried.append(answer)
            await asyncio.sleep(0.05)

    answers = await asyncio.gather(*(send() for _ in range(50)))
    assert all(answer == answers[0] for answer in answers)
    assert await count(site) == before + 1
    for answer in retried:
        assert reason(answer) == "IDEMPOTENCY_KEY_IN_USE"
        assert detail(answer, "RetryInfo")["retry_delay"]
    assert (await site.ended(answers[0]["request_id"]))["rows_loaded"] == "1"
