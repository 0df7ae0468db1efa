"""StorageService on the real core, with folders of this machine and nobody at work."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2
from headrace.v1 import storage_pb2, storage_service_pb2_grpc
from headrace.v1 import storage_service_pb2 as pb

from headrace_server.rpc.options import ServerOptions

from .conftest import Edge, edge_on

if TYPE_CHECKING:
    from .conftest import FailureOf

Watch, File = storage_pb2.FolderWatch, storage_pb2.StoredFile


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A folder that may be mounted."""
    share = tmp_path / "share"
    (share / "in").mkdir(parents=True)
    (share / "in" / "stock.csv").write_text("sku,count\na1,3\n")
    return share


@pytest.fixture
async def storage(tmp_path: Path, share: Path, migrated_file: Path) -> AsyncIterator[Any]:
    options = ServerOptions(allow_anonymous=True)
    async with edge_on(tmp_path, options, migrated_file, allowed_roots=str(share)) as edge:
        yield Storage(edge, share)


class Storage:
    """A stub of the service."""

    def __init__(self, edge: Edge, share: Path) -> None:
        self.edge = edge
        self.share = share
        self.stub: Any = storage_service_pb2_grpc.StorageServiceStub(edge.channel)

    async def mount(self, **asked: Any) -> storage_pb2.Mount:
        request = {"local_path": "/mnt/share", "network_path": str(self.share), **asked}
        message: storage_pb2.Mount = await self.stub.Mount(pb.MountRequest(**request))
        return message

    async def watch(self, **asked: Any) -> storage_pb2.FolderWatch:
        request = pb.WatchFolderRequest(**{"folder_path": "/mnt/share/in", **asked})
        message: storage_pb2.FolderWatch = await self.stub.WatchFolder(request)
        return message


async def test_mounts(storage: Storage, failure_of: "FailureOf") -> None:
    mount = await storage.mount()
    assert (mount.status, mount.storage_type) == (mount.MOUNTED, mount.LOCAL)
    assert (mount.local_path, mount.network_path) == ("/mnt/share", str(storage.share))
    assert mount.available_space_gb > 0
    assert mount.HasField("mount_time")
    assert not mount.HasField("error")
    listed = await storage.stub.ListMounts(pb.ListMountsRequest())
    assert [each.mount_id for each in listed.mounts] == [mount.mount_id]
    await storage.stub.Unmount(pb.UnmountRequest(mount_id=mount.mount_id))
    failure = await failure_of(storage.stub.Unmount(pb.UnmountRequest(mount_id=mount.mount_id)))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"network_path": "share"}, "network_path"),
        ({"network_path": "/etc"}, "network_path"),
        ({"local_path": "/"}, "local_path"),
        ({"storage_type": storage_pb2.Mount.S3}, "storage_type"),
        ({"credentials": {"username": "u", "password": "hunter2"}}, "credentials.password"),
        ({"region": "eu"}, "region"),
    ],
)
async def test_a_mount_that_cannot_be(
    storage: Storage, failure_of: "FailureOf", asked: dict[str, Any], field: str
) -> None:
    failure = await failure_of(storage.mount(**asked))
    assert failure.reason == "INVALID_FIELD"
    (violation,) = failure.detail(error_details_pb2.BadRequest).field_violations
    assert violation.field == field
    assert "hunter2" not in str(failure.status)


async def test_a_watch_with_its_defaults(storage: Storage, failure_of: "FailureOf") -> None:
    await storage.mount()
    watch = await storage.watch()
    assert (watch.status, watch.watching) == (Watch.SUCCESS, True)
    assert (watch.recursive, watch.auto_import, list(watch.patterns)) == (False, False, [])
    assert (watch.stable_seconds, watch.poll_seconds) == (5, 5)
    assert (watch.on_overwrite, watch.files_detected) == (Watch.REIMPORT, 0)
    assert watch.import_config.schema_inference
    options = watch.import_config.options
    assert (options.mode, options.new_columns) == (options.APPEND, options.ADD)
    assert options.type_changes == options.WIDEN
    assert not any(options.HasField(each) for each in ("has_header", "skip_lines"))
    listed = await storage.stub.ListWatches(pb.ListWatchesRequest())
    assert list(listed.watches) == [watch]
    await storage.stub.StopWatch(pb.StopWatchRequest(watch_id=watch.watch_id))
    listed = await storage.stub.ListWatches(pb.ListWatchesRequest())
    assert list(listed.watches) == []
    failure = await failure_of(storage.stub.StopWatch(pb.StopWatchRequest(watch_id="other")))
    assert failure.code is grpc.StatusCode.NOT_FOUND


async def test_a_watch_comes_back_as_it_was_asked(storage: Storage) -> None:
    await storage.mount()
    config = storage_pb2.ImportConfig(
        target_connector="conn_postgres_warehouse",
        schema_inference=False,
        notification_email="data-team@example.com",
        notification_url="https://hooks.example/1",
        target_table="raw.stock",
        options=storage_pb2.ImportOptions(
            mode=storage_pb2.ImportOptions.UPSERT,
            key_columns=["sku"],
            new_columns=storage_pb2.ImportOptions.RESCUE,
            type_changes=storage_pb2.ImportOptions.REJECT_ROW,
            data_types={"sku": "VARCHAR(10)"},
            null_values=["-"],
            delimiter="\\t",
            encoding="latin-1",
            quote="'",
            escape="\\",
            has_header=False,
            skip_lines=0,
            comment_prefix="",
            format="csv",
            compression="gzip",
            sheet="x",
            sample_bytes=2048,
        ),
    )
    watch = await storage.watch(
        file_patterns=["*.csv"],
        recursive=True,
        auto_import=True,
        import_config=config,
        on_overwrite=Watch.NEW_VERSION,
        stable_seconds=0,
        poll_seconds=0.5,
    )
    assert watch.import_config == config
    assert (watch.on_overwrite, watch.stable_seconds) == (Watch.NEW_VERSION, 0)
    assert (watch.poll_seconds, list(watch.patterns)) == (0.5, ["*.csv"])


async def test_an_import_that_nobody_has_begun(storage: Storage, failure_of: "FailureOf") -> None:
    await storage.mount()
    request = pb.ImportFileRequest(
        file_path="/mnt/share/in/stock.csv", target_table="stock", wait_seconds=0
    )
    made = await storage.stub.ImportFile(request)
    assert (made.status, made.progress) == (made.PENDING, 0)
    assert made.target_table == "public.stock"
    assert not any(made.HasField(each) for each in ("import_duration_seconds", "detected_format"))
    found = await storage.stub.GetImport(pb.GetImportRequest(import_id=made.import_id))
    assert found == made
    for path, table, code in (
        ("/mnt/share/in/gone.csv", "", grpc.StatusCode.NOT_FOUND),
        ("/mnt/other/a.csv", "", grpc.StatusCode.NOT_FOUND),
        ("/mnt/share/in/stock.csv", "a.b.c", grpc.StatusCode.INVALID_ARGUMENT),
    ):
        asked = pb.ImportFileRequest(file_path=path, target_table=table)
        assert (await failure_of(storage.stub.ImportFile(asked))).code is code
    failure = await failure_of(storage.stub.GetImport(pb.GetImportRequest(import_id="other")))
    assert failure.code is grpc.StatusCode.NOT_FOUND


async def test_files(storage: Storage, failure_of: "FailureOf") -> None:
    await storage.mount()
    watch = await storage.watch(stable_seconds=0)
    changes = storage.stub.WatchFiles(pb.WatchFilesRequest())
    assert (await changes.read()).revision == 0
    async with storage.edge.core.storage.watcher.running():
        told = await changes.read()
    changes.cancel()
    (file,) = told.files
    assert (file.file_path, file.status) == ("/mnt/share/in/stock.csv", File.IGNORED)
    assert (file.watch_id, file.size_bytes, file.revision) == (watch.watch_id, 15, told.revision)
    assert not file.HasField("import_id")
    again = await storage.stub.RetryFile(pb.RetryFileRequest(file_path=file.file_path))
    assert (again.status, again.revision) == (File.PENDING, told.revision + 1)
    listed = await storage.stub.ListFiles(pb.ListFilesRequest(status=File.PENDING))
    assert (list(listed.files), listed.total_files) == ([again], 1)
    listed = await storage.stub.ListFiles(pb.ListFilesRequest(status=File.GONE))
    assert (list(listed.files), listed.total_files) == ([], 0)
    failure = await failure_of(
        storage.stub.RetryFile(pb.RetryFileRequest(file_path=file.file_path))
    )
    assert failure.reason == "WRONG_STATE"
