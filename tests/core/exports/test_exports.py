"""Exports as callers see them, and links to their files."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace_server.app import Core
from headrace_server.core.exports.exports import EXPORT, MOST_OPEN
from headrace_server.db import exports as export_rows
from headrace_server.model.errors import (
    InvalidFieldError,
    InvalidQueryError,
    NotFoundError,
    QuotaExceededError,
    UnauthenticatedError,
    WrongStateError,
)
from headrace_server.model.export import (
    OPEN_EXPORTS,
    Export,
    ExportFormat,
    ExportOutput,
    ExportRequest,
    ExportSource,
    ExportStatus,
    ReportSection,
    SectionType,
    SourceType,
)
from headrace_server.model.page import PageRequest
from headrace_server.model.tenant import Principal, Scope

from .conftest import CALLER, Done, both_engines, claimed, left, request_of

STRANGER = Principal("stranger", frozenset({Scope.READ, Scope.WRITE}), None)


@both_engines
async def test_a_given_id_starts_one_export(core: Core) -> None:
    exports = core.answers.exports
    first = await exports.start(CALLER, request_of(), export_id="step-1")
    assert await exports.start(CALLER, request_of(), export_id="step-1") == replace(
        first, created_at=first.created_at
    )
    assert len(await core.jobs.claim("worker", [EXPORT], 5)) == 1


async def test_others_exports_look_as_if_there_were_none(core: Core) -> None:
    exports = core.answers.exports
    begun = await exports.start(CALLER, request_of())
    await core.tenants.create(STRANGER.tenant_id, "")
    for call in (exports.get, exports.cancel, core.answers.links.open):
        with pytest.raises(NotFoundError):
            await call(STRANGER, begun.export_id)
    with pytest.raises(NotFoundError):
        await anext(exports.watch(STRANGER, begun.export_id, 0))
    with pytest.raises(NotFoundError):
        await exports.start(STRANGER, request_of("SELECT 1"), export_id=begun.export_id)
    assert (await exports.list(STRANGER, PageRequest())).items == ()


@both_engines
async def test_too_many_at_once_are_refused(core: Core) -> None:
    exports = core.answers.exports
    begun = [await exports.start(CALLER, request_of()) for _ in range(MOST_OPEN)]
    with pytest.raises(QuotaExceededError, match="wait for one to end"):
        await exports.start(CALLER, request_of())
    assert (await exports.list(CALLER, PageRequest())).items == tuple(
        sorted(begun, key=lambda e: (-e.created_at.timestamp(), e.export_id))
    )
    await exports.cancel(CALLER, begun[0].export_id)
    await exports.start(CALLER, request_of())


@pytest.mark.parametrize("table", ["datamart", "table"])
async def test_what_is_not_there_is_refused_at_once(core: Core, table: str) -> None:
    for schema, name in (("public", "nothing"), ("", "nothing"), ("analytics", "numbers")):
        source = ExportSource(SourceType(table), name=name, schema=schema)
        with pytest.raises(NotFoundError, match=name):
            await core.answers.exports.start(CALLER, ExportRequest(source=source))


@pytest.mark.parametrize(
    "sql",
    ["DELETE FROM numbers", "SELECT 1; SELECT 2", "WITH d AS (DELETE FROM numbers) SELECT 1",
     "SELECT load_extension('x')", "", "SELECT * FROM headrace.ledger"],
)  # fmt: skip
async def test_queries_that_do_more_than_read_are_refused_at_once(core: Core, sql: str) -> None:
    with pytest.raises(InvalidQueryError) as raised:
        await core.answers.exports.start(CALLER, request_of(sql))
    assert raised.value.violations[0].field == "data_source.query"
    assert raised.value.metadata["field"] == "data_source.query"


async def test_formats_that_do_not_fit_are_refused(core: Core) -> None:
    section = ReportSection("a", SectionType.SUMMARY, {"a": 1})
    report = ExportRequest(ExportOutput(format=ExportFormat.CSV), None, "r", (section,))
    for request in (report, request_of(gzip=True)):
        with pytest.raises(InvalidFieldError, match="output_config"):
            await core.answers.exports.start(CALLER, request)


async def test_one_that_has_ended_stays_as_it_is(core: Core, done: Done) -> None:
    export = await done(request_of(format=ExportFormat.CSV))
    assert await core.answers.exports.cancel(CALLER, export.export_id) == export
    assert await core.answers.exports.wait(CALLER, export.export_id, 5) == export


async def test_a_cancelled_one_is_not_run(core: Core) -> None:
    begun = await core.answers.exports.start(CALLER, request_of())
    cancelled = await core.answers.exports.cancel(CALLER, begun.export_id)
    assert (cancelled.status, cancelled.terminal) == (ExportStatus.CANCELLED, True)
    assert await core.jobs.claim("worker", [EXPORT], 1) == []
    with pytest.raises(WrongStateError, match="CANCELLED"):
        await core.answers.links.open(CALLER, begun.export_id)


async def test_one_that_ends_while_it_is_cancelled_stays_ended(core: Core) -> None:
    begun = await core.answers.exports.start(CALLER, request_of())
    job = await claimed(core)
    async with core.store.begin() as connection:
        await core.jobs.complete(connection, job.job_id, job.attempt)
    found = await core.answers.exports.cancel(CALLER, begun.export_id)
    assert found.status is not ExportStatus.CANCELLED


@both_engines
async def test_pages_of_the_list(core: Core) -> None:
    exports = core.answers.exports
    begun = {(await exports.start(CALLER, request_of())).export_id for _ in range(3)}
    first = await exports.list(CALLER, PageRequest(2))
    second = await exports.list(CALLER, PageRequest(2, first.next_token))
    assert {each.export_id for each in (*first.items, *second.items)} == begun
    assert second.next_token == ""
    with pytest.raises(InvalidFieldError):
        await exports.list(CALLER, PageRequest(2, "nonsense"))


async def expire(core: Core, export: Export) -> Export:
    past = datetime.now(UTC) - timedelta(seconds=1)
    async with core.store.begin() as connection:
        states = {*OPEN_EXPORTS, ExportStatus.COMPLETED}
        await export_rows.change(connection, export.export_id, states, expires_at=past)
    return replace(export, expires_at=past)


@both_engines
async def test_files_go_when_their_time_is_over(core: Core, done: Done) -> None:
    export = await done(request_of(format=ExportFormat.CSV))
    kept = await done(request_of(format=ExportFormat.CSV))
    await expire(core, export)
    with pytest.raises(NotFoundError):
        await core.answers.exports.get(CALLER, export.export_id)
    await core.housekeeping.sweep()
    assert left(core, export.export_id) == []
    assert left(core, kept.export_id) == ["attempt-1/file"]
    async with core.store.read() as connection:
        assert await export_rows.find_in_any_tenant(connection, export.export_id) is None
        assert await export_rows.find_in_any_tenant(connection, kept.export_id) == kept


def parts_of(link: str) -> tuple[str, int, str]:
    path, _, query = link.partition("?")
    expires, signature = (part.partition("=")[2] for part in query.split("&"))
    return path.split("/")[-2], int(expires), signature


async def test_a_link_speaks_for_its_tenant_until_it_is_over(core: Core, done: Done) -> None:
    export = await done(request_of(format=ExportFormat.CSV))
    links = core.answers.links
    url_of = await links.signer()
    export_id, expires, signature = parts_of(url_of(export))
    principal = await links.principal_of(export_id, expires, signature)
    assert (principal.tenant_id, principal.scopes) == ("default", frozenset({Scope.READ}))
    over = parts_of(url_of(replace(export, expires_at=datetime.now(UTC) - timedelta(seconds=5))))
    for wrong in (
        (export_id, expires + 1, signature),
        ("another", expires, signature),
        (export_id, expires, "é"),
        over,
    ):
        with pytest.raises(UnauthenticatedError):
            await links.principal_of(*wrong)
    assert url_of(replace(export, status=ExportStatus.FAILED)) == ""


async def test_a_link_ends_with_its_tenant(core: Core, done: Done) -> None:
    export = await done(request_of(format=ExportFormat.CSV))
    links = core.answers.links
    parts = parts_of((await links.signer())(export))
    await core.tenants.suspend("default")
    with pytest.raises(UnauthenticatedError):
        await links.principal_of(*parts)


async def test_a_file_that_is_gone_is_not_found(core: Core, done: Done) -> None:
    export = await done(request_of(format=ExportFormat.CSV))
    (core.config.spool_dir / "exports" / export.export_id / "attempt-1" / "file").unlink()
    _, pieces = await core.answers.links.open(CALLER, export.export_id)
    with pytest.raises(NotFoundError, match="is gone"):
        await anext(pieces)
