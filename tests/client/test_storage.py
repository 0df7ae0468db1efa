from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.priority_pb2 import Priority
from headrace.v1.storage_pb2 import FolderWatch, Import, Mount, StoredFile
from headrace.v1.storage_pb2 import ImportOptions as Options

from headrace_client import (
    Client,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    WrongStateError,
)
from headrace_client.storage import MountCredentials

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


async def test_mounts(server: "FakeServer", state: "State") -> None:
    entered = MountCredentials(username="etl", password="s3cret", domain="COMPANY")  # noqa: S106
    async with Client(server.address) as client:
        for name in ("a", "b", "c"):
            made = await client.mount(f"/{name}", f"/srv/{name}")
            assert (made.mount_id, made.status) == (f"m-{name}", Mount.MOUNTED)
        assert not state.mount_requests[0].HasField("credentials")
        await client.mount(
            "/c", "//host/data", credentials=entered, storage_type=Mount.SMB, port=1445
        )
        sent = state.mount_requests[-1]
        assert (sent.storage_type, sent.port) == (Mount.SMB, 1445)
        assert (sent.credentials.username, sent.credentials.password) == ("etl", "s3cret")
        listed = [mount.local_path async for mount in client.list_mounts()]
        assert listed == ["/a", "/b", "/c"]
        await client.unmount("m-a")
        with pytest.raises(NotFoundError):
            await client.unmount("m-a")
        await client.watch_folder("/b/incoming")
        with pytest.raises(WrongStateError, match="watched"):
            await client.unmount("m-b")
        with pytest.raises(InvalidRequestError, match="network_path"):
            await client.mount("/d", "//me@host/data")


async def test_who_is_away_is_told_apart(server: "FakeServer", state: "State") -> None:
    state.unavailable["Mount"] = 2
    async with Client(server.address) as client:
        await client.mount("/a", "/srv/a")
        assert state.count("Mount") == 3
        with pytest.raises(UnavailableError, match="does not answer"):
            await client.mount("/b", "//nowhere/data")
        assert state.count("Mount") == 4


async def test_watches(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        await client.mount("/share", "/srv/share")
        plain = await client.watch_folder("/share/a")
        assert (plain.auto_import, plain.recursive, plain.stable_seconds) == (True, False, 5)
        assert not plain.import_config.HasField("options")
        assert not plain.import_config.HasField("schema_inference")
        full = await client.watch_folder(
            "/share/b",
            file_patterns=["*.csv"],
            recursive=True,
            auto_import=False,
            target_table="raw.b",
            schema_inference=False,
            on_overwrite=FolderWatch.NEW_VERSION,
            stable_seconds=0,
            poll_seconds=0.5,
            notification_email="data@example.com",
            notification_url="https://example.com/hook",
            mode=Options.UPSERT,
            key_columns=["id"],
            data_types={"id": "VARCHAR(10)"},
        )
        assert list(full.patterns) == ["*.csv"]
        assert (full.recursive, full.auto_import) == (True, False)
        assert full.on_overwrite == FolderWatch.NEW_VERSION
        assert (full.stable_seconds, full.poll_seconds) == (0, 0.5)
        config = full.import_config
        assert (config.target_table, config.schema_inference) == ("raw.b", False)
        assert config.notification_email == "data@example.com"
        assert config.notification_url == "https://example.com/hook"
        assert config.options.mode == Options.UPSERT
        assert list(config.options.key_columns) == ["id"]
        assert config.options.data_types == {"id": "VARCHAR(10)"}
        await client.watch_folder("/share/c")
        folders = [watch.folder_path async for watch in client.list_watches()]
        assert folders == ["/share/a", "/share/b", "/share/c"]
        await client.stop_watch(plain.watch_id)
        with pytest.raises(NotFoundError):
            await client.stop_watch(plain.watch_id)


async def test_an_import_is_an_ingestion(server: "FakeServer", state: "State") -> None:
    state.mounted["/share/products.csv"] = b"{}\nno\n"
    async with Client(server.address) as client:
        await client.mount("/share", "/srv/share")
        started = await client.import_file(
            "/share/products.csv",
            target_table="raw.goods",
            infer_schema=False,
            priority=Priority.HIGH,
            wait_seconds=0,
            null_values=["NULL"],
        )
        request = state.import_requests[started.import_id]
        assert (request.priority, request.wait_seconds) == (Priority.HIGH, 0)
        assert (request.infer_schema, request.options.null_values) == (False, ["NULL"])
        last = [i async for i in client.watch(started.import_id)][-1]
        assert (last.kind, last.terminal) == (Ingestion.IMPORT, True)
        ended = await client.get_import(started.import_id)
        assert ended.status == Import.COMPLETED_WITH_ERRORS
        assert (ended.rows_imported, ended.rows_rejected) == (1, 1)
        plain = await client.import_file("/share/products.csv")
        assert not state.import_requests[plain.import_id].HasField("wait_seconds")
        assert not state.import_requests[plain.import_id].HasField("options")
        with pytest.raises(NotFoundError):
            await client.import_file("/share/none.csv")
        with pytest.raises(NotFoundError, match="mount"):
            await client.import_file("/elsewhere/a.csv")


async def test_an_import_is_asked_for_once(server: "FakeServer", state: "State") -> None:
    state.mounted["/share/a.csv"] = b"{}\n"
    state.unavailable["ImportFile"] = 1
    async with Client(server.address) as client:
        await client.mount("/share", "/srv/share")
        first = await client.import_file("/share/a.csv", idempotency_key="k")
        again = await client.import_file("/share/a.csv", idempotency_key="k")
    assert first.import_id == again.import_id
    assert len(state.ingestions) == 1
    assert state.count("ImportFile") == 3


async def test_files(server: "FakeServer") -> None:
    for name in ("a", "b", "c"):
        server.storage.alter(f"/share/{name}.csv", status=StoredFile.IMPORTED)
    server.storage.alter("/share/b.csv", status=StoredFile.FAILED, watch_id="w-1")
    async with Client(server.address) as client:
        listed = [file.file_path async for file in client.list_files()]
        assert listed == ["/share/a.csv", "/share/b.csv", "/share/c.csv"]
        (failed,) = [file async for file in client.list_files(status=StoredFile.FAILED)]
        assert failed.file_path == "/share/b.csv"
        assert [file async for file in client.list_files(watch_id="w-1")] == [failed]
        assert (await client.retry_file("/share/b.csv")).status == StoredFile.PENDING
        with pytest.raises(NotFoundError):
            await client.retry_file("/share/none.csv")


async def test_a_watch_of_files_goes_on_after_a_cut(server: "FakeServer", state: "State") -> None:
    state.watch_cuts = [1, 1]
    for name in ("a", "b"):
        server.storage.alter(f"/share/{name}.csv", status=StoredFile.DETECTED)
    seen: list[StoredFile] = []
    async with Client(server.address) as client, aclosing(client.watch_files()) as changes:
        async for files in changes:
            seen += files
            if len(seen) == 3:
                break
            server.storage.alter("/share/a.csv", status=StoredFile.IMPORTED)
    assert [file.file_path for file in seen] == ["/share/a.csv", "/share/b.csv", "/share/a.csv"]
    assert seen[-1].revision == 3


async def test_a_watch_of_files_resumes_from_a_revision(server: "FakeServer") -> None:
    first = server.storage.alter("/share/a.csv", status=StoredFile.DETECTED)
    second = server.storage.alter("/share/b.csv", status=StoredFile.DETECTED)
    async with (
        Client(server.address) as client,
        aclosing(client.watch_files("w-0", after_revision=first.revision)) as changes,
    ):
        assert list(await anext(changes)) == [second]
