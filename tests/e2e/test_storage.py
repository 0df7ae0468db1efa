"""Mounts, watched folders and imports, as 4-mvp-features.md documents them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from headrace.v1.storage_pb2 import StoredFile

from headrace_client import Client

from .conftest import Json, Site, bad_fields, names, ok, reason, running_site

if TYPE_CHECKING:
    from storage_servers import SmbServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

MVP = "/api/v1/mvp"
STORAGE = f"{MVP}/storage"
AUTHORIZED = {"Authorization": "Bearer whatever"}
CUSTOMERS = b"""\
customer_id,name,email,created_at,updated_at
0042,John Doe,john@example.com,2024-01-15 10:00:00,2024-02-01 08:30:00
0043,"Poe, Jim",jim@example.com,2024-01-16 11:30:00,
"""
SENSORS = "sensor,reading,seen_on\n{0}1,1.25,2026-03-01\n{0}2,17,2026-03-02\n"
#: how a folder is watched where nobody wants to wait
AT_ONCE = {"auto_import": True, "stable_seconds": 0, "poll_seconds": 0.1}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server allows."""
    return tmp_path_factory.mktemp("share")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def storing(
    site_database: str, share: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("storing")
    async with running_site(
        folder,
        site_database,
        allowed_roots=str(share),
        storage_hosts="127.0.0.1",
        secret_keys=f"one:{'A' * 43}=",
    ) as running:
        yield running


@pytest.fixture
def place(share: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of the test's own that may be mounted."""
    folder: Path = share / request.node.name
    folder.mkdir()
    return folder


async def mounted(site: Site, place: Path, **more: object) -> str:
    """Mount a folder; returns its path for the tenant."""
    path = f"/mnt/{place.name}"
    await site.post(f"{STORAGE}/mount", {"local_path": path, "network_path": str(place), **more})
    return path


async def ended(site: Site, brought: Json) -> Json:
    """An import when it has ended: on a busy machine it may take longer than its call waits."""
    while brought["status"] in {"PENDING", "IN_PROGRESS"}:
        await asyncio.sleep(0.05)
        brought = await site.get(f"{STORAGE}/imports/{brought['import_id']}")
    return brought


async def settled(site: Site, *paths: str) -> dict[str, Json]:
    """Watch the files until these are on their way no more; returns how they ended."""
    found: dict[str, Json] = {}
    async with site.rest.stream("GET", f"{STORAGE}/files/watch") as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            message = json.loads(line)
            assert message["terminal"] is False
            found |= {file["file_path"]: file for file in message["files"]}
            moving = {"DETECTED", "PENDING", "IMPORTING"}
            if all(path in found and found[path]["status"] not in moving for path in paths):
                return found
    raise AssertionError(f"the watch has ended: {found}")


async def test_the_documented_requests(storing: Site, smb_server: "SmbServer") -> None:
    (smb_server.folder / "incoming").mkdir()
    (smb_server.folder / "incoming" / "customers_2024_06.csv").write_bytes(CUSTOMERS)
    entered = {"username": smb_server.user, "password": smb_server.password, "domain": "COMPANY"}
    mount = await storing.rest.post(
        f"{STORAGE}/mount",
        headers=AUTHORIZED,
        json={
            "local_path": "/mnt/network_share",
            "network_path": "//127.0.0.1/sales",
            "credentials": entered,
            "storage_type": "smb",
            "port": smb_server.port,
        },
    )
    assert smb_server.password not in mount.text
    documented = {"status", "local_path", "network_path", "available_space_gb", "mount_time"}
    assert documented <= set(ok(mount))
    assert (ok(mount)["status"], ok(mount)["storage_type"]) == ("MOUNTED", "SMB")
    assert ok(mount)["available_space_gb"] > 0

    watch = await storing.rest.post(
        f"{STORAGE}/watch",
        headers=AUTHORIZED,
        json={
            "folder_path": "/mnt/network_share/incoming",
            "file_patterns": ["*.csv", "*.xlsx", "*.json"],
            "recursive": True,
            "auto_import": True,
            "import_config": {
                "target_connector": "conn_postgres_warehouse",
                "schema_inference": True,
                "notification_email": "data-team@company.com",
            },
        },
    )
    told = {
        "status": "SUCCESS",
        "folder_path": "/mnt/network_share/incoming",
        "patterns": ["*.csv", "*.xlsx", "*.json"],
        "watching": True,
        "files_detected": "0",
    }
    assert told.items() <= ok(watch).items()
    ok(await storing.rest.delete(f"{STORAGE}/watches/{ok(watch)['watch_id']}"))

    answer = await storing.rest.post(
        f"{STORAGE}/import",
        headers=AUTHORIZED,
        json={
            "file_path": "/mnt/network_share/incoming/customers_2024_06.csv",
            "target_format": "postgres",
            "target_table": "raw.customers",
            "infer_schema": True,
            "data_types": {"customer_id": "VARCHAR(50)", "created_at": "TIMESTAMP"},
        },
    )
    brought = await ended(storing, ok(answer))
    told = {
        "status": "COMPLETED",
        "file_path": "/mnt/network_share/incoming/customers_2024_06.csv",
        "rows_imported": "2",
        "target_table": "raw.customers",
    }
    assert told.items() <= brought.items()
    assert brought["import_duration_seconds"] > 0
    schema = brought["inferred_schema"]
    assert set(schema) == {"customer_id", "name", "email", "created_at", "updated_at"}
    assert (schema["customer_id"], schema["created_at"]) == ("VARCHAR(50)", "TIMESTAMP")
    table = await storing.get("/api/v1/warehouse/tables/raw/customers")
    assert table["rows"] == "2"

    files = ok(await storing.rest.get(f"{STORAGE}/files", headers=AUTHORIZED))
    assert {"files", "total_files"} <= set(files)


async def test_a_share_whose_files_import_themselves(
    storing: Site, smb_server: "SmbServer"
) -> None:
    entered = {"username": smb_server.user, "password": smb_server.password}
    body = {"local_path": "/mnt/sales", "network_path": "//127.0.0.1/sales"}
    await storing.post(f"{STORAGE}/mount", body | {"credentials": entered, "port": smb_server.port})
    watch = await storing.post(f"{STORAGE}/watch", {"folder_path": "/mnt/sales", **AT_ONCE})
    (smb_server.folder / "smb_sensors.csv").write_text(SENSORS.format("s"))
    path = "/mnt/sales/smb_sensors.csv"
    file = (await settled(storing, path))[path]
    assert (file["status"], file["rows_imported"]) == ("IMPORTED", "2")
    assert (await storing.get("/api/v1/warehouse/tables/raw/smb_sensors"))["rows"] == "2"
    ok(await storing.rest.delete(f"{STORAGE}/watches/{watch['watch_id']}"))


async def test_a_folder_whose_files_import_themselves(storing: Site, place: Path) -> None:
    path = await mounted(storing, place)
    watch = await storing.post(
        f"{STORAGE}/watch", {"folder_path": path, "file_patterns": ["*.csv"], **AT_ONCE}
    )
    story: list[StoredFile] = []
    async with Client(storing.grpc) as client:
        changes = client.watch_files(watch["watch_id"])
        (place / "garden_2026.csv").write_text(SENSORS.format("g"))
        (place / "notes.txt").write_text("not for us")
        async with aclosing(changes):
            async for files in changes:
                story += files
                if files[-1].status == StoredFile.IMPORTED:
                    break
    assert {file.file_path for file in story} == {f"{path}/garden_2026.csv"}
    passed = [StoredFile.Status.Name(file.status) for file in story]
    assert passed == sorted(passed, key=["DETECTED", "PENDING", "IMPORTING", "IMPORTED"].index)
    revisions = [file.revision for file in story]
    assert revisions == sorted(set(revisions))
    listed = await storing.get(f"{STORAGE}/files", watch_id=watch["watch_id"])
    (file,) = listed["files"]
    assert listed["total_files"] == 1
    documented = {"file_path", "size_bytes", "detected_at", "status", "import_id"}
    assert documented <= set(file)
    assert file["size_bytes"] == str((place / "garden_2026.csv").stat().st_size)
    brought = await storing.get(f"{STORAGE}/imports/{file['import_id']}")
    assert (brought["status"], brought["target_table"]) == ("COMPLETED", "raw.garden_2026")
    assert brought["inferred_schema"]["seen_on"] == "DATE"
    status = await storing.get(f"/status/{file['import_id']}")
    assert (status["kind"], status["rows_loaded"]) == ("IMPORT", "2")
    watches = (await storing.get(f"{STORAGE}/watches"))["watches"]
    (now,) = [each for each in watches if each["watch_id"] == watch["watch_id"]]
    assert (now["status"], now["files_detected"]) == ("SUCCESS", "1")


async def test_a_file_that_is_written_again(storing: Site, place: Path) -> None:
    path = await mounted(storing, place)
    config = {"target_table": "raw.levels", "options": {"key_columns": ["sensor"]}}
    body = {"folder_path": path, "import_config": config, **AT_ONCE}
    await storing.post(f"{STORAGE}/watch", body)
    (place / "levels.csv").write_text("sensor,level\na,1\nb,2\n")
    await settled(storing, f"{path}/levels.csv")
    (place / "levels.csv").write_text("sensor,level\nb,2.5\nc,high\n")
    while (await storing.get("/api/v1/warehouse/tables/raw/levels"))["rows"] != "3":
        await asyncio.sleep(0.05)
    name = '"raw.levels"' if not storing.core.config.database_url else "raw.levels"
    rows = await storing.select(f"SELECT sensor, level FROM {name} ORDER BY sensor")
    assert [(sensor, str(level)) for sensor, level in rows] == [
        ("a", "1"),
        ("b", "2.5"),
        ("c", "high"),
    ]


async def test_rows_that_do_not_fit_are_kept_aside(storing: Site, place: Path) -> None:
    path = await mounted(storing, place)
    (place / "prices.csv").write_text("sku,price\n007,1.50\n008,on request\n")
    body = {"file_path": f"{path}/prices.csv", "data_types": {"price": "NUMERIC(8,2)"}}
    brought = await storing.post(f"{STORAGE}/import", body | {"target_table": "raw.asked"})
    assert brought["status"] == "COMPLETED_WITH_ERRORS"
    assert (brought["rows_imported"], brought["rows_rejected"]) == ("1", "1")
    (reject,) = await storing.rejects(brought["import_id"])
    assert (reject["line"], reject["column"]) == ("3", "price")
    assert "on request" in reject["raw"]


async def test_the_documented_preview_of_a_path(storing: Site, place: Path) -> None:
    path = await mounted(storing, place)
    (place / "incoming").mkdir()
    (place / "incoming" / "data.csv").write_bytes(CUSTOMERS)
    preview = await storing.post(
        f"{MVP}/preview/path", {"file_path": f"{path}/incoming/data.csv", "limit": 100}
    )
    assert (preview["file_name"], preview["rows_previewed"]) == ("data.csv", 2)
    assert preview["preview_data"][0]["customer_id"] == "0042"


async def test_the_documented_use_case(storing: Site, place: Path) -> None:
    (place / "incoming").mkdir()
    path = await mounted(storing, place)
    body = {"folder_path": f"{path}/incoming", "file_patterns": ["*.csv"], "auto_import": True}
    watch = await storing.post(f"{STORAGE}/watch", body)
    assert (watch["stable_seconds"], watch["poll_seconds"]) == (5, 5)
    mounts = (await storing.get(f"{STORAGE}/mounts"))["mounts"]
    (mount,) = [each for each in mounts if each["local_path"] == path]
    refused = await storing.rest.delete(f"{STORAGE}/mounts/{mount['mount_id']}")
    assert reason(refused) == "WRONG_STATE"
    ok(await storing.rest.delete(f"{STORAGE}/watches/{watch['watch_id']}"))
    ok(await storing.rest.delete(f"{STORAGE}/mounts/{mount['mount_id']}"))
    left = (await storing.get(f"{STORAGE}/mounts"))["mounts"]
    assert path not in names(left, "local_path")


async def test_what_is_refused(storing: Site, place: Path) -> None:
    path = await mounted(storing, place)
    (place / "a.csv").write_text("x,y\n1,2\n")
    outside = {"local_path": "/mnt/outside", "network_path": "/etc"}
    assert bad_fields(await storing.rest.post(f"{STORAGE}/mount", json=outside)) == ["network_path"]
    relative = {"local_path": "mnt", "network_path": str(place)}
    assert bad_fields(await storing.rest.post(f"{STORAGE}/mount", json=relative)) == ["local_path"]
    for body in (
        {"file_path": f"{path}/none.csv"},
        {"file_path": "/nowhere/a.csv"},
    ):
        answer = await storing.rest.post(f"{STORAGE}/import", json=body)
        assert (answer.status_code, reason(answer)) == (404, "NOT_FOUND")
    above = {"file_path": f"{path}/../{place.name}/a.csv"}
    assert bad_fields(await storing.rest.post(f"{STORAGE}/import", json=above)) == ["file_path"]
    unknown = await storing.rest.get(f"{STORAGE}/imports/nothing")
    assert reason(unknown) == "NOT_FOUND"
