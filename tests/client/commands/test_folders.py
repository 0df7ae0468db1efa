import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from headrace.v1.storage_pb2 import FolderWatch, Mount
from headrace.v1.storage_pb2 import ImportOptions as Options
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State


@pytest.fixture(autouse=True)
def mounted(state: "State") -> None:
    state.mounts["m-share"] = Mount(mount_id="m-share", local_path="/share")


def test_watch_list_stop(run: Callable[..., Result], state: "State") -> None:
    assert "no folder is watched yet" in run("folders", "list").stdout
    made = run("folders", "watch", "/share/in")
    assert made.exit_code == 0
    assert "tables by their names" in made.stdout
    assert "after 5 s without a change" in made.stdout
    assert "headrace files watch" in made.stdout
    assert state.folder_watches["w-0"].auto_import
    run("folders", "watch", "/share/b", "--no-auto-import")
    document = json.loads(run("folders", "watch", "/share/c", "--json").stdout)
    assert document["folder_path"] == "/share/c"
    state.folder_watches["w-1"].status = FolderWatch.FAILED
    state.folder_watches["w-1"].error = "no such folder"
    text = run("folders", "list").stdout
    assert "/share/b: no such folder" in text
    assert "nowhere: they are only noticed" in text
    lines = run("folders", "list", "--json").stdout.splitlines()
    assert [json.loads(line)["watch_id"] for line in lines] == ["w-0", "w-1", "w-2"]
    assert run("folders", "stop", "/share/in/").stdout == "stopped /share/in/\n"
    assert run("folders", "stop", "w-1").exit_code == 0
    assert list(state.folder_watches) == ["w-2"]
    missing = run("folders", "stop", "/share/in")
    assert missing.exit_code == 2
    assert "/share/in is not watched" in missing.stderr


def test_all_options(run: Callable[..., Result], state: "State") -> None:
    result = run(
        "folders", "watch", "/share/in", "--pattern", "*.csv", "--pattern", "*.json", "--recursive",
        "--table", "raw.prices", "--mode", "upsert", "--key", "sku", "--key", "day",
        "--type", "price=DECIMAL(10, 2)", "--type", "a=b=DATE", "--null", "N/A", "--no-infer",
        "--new-columns", "rescue", "--type-changes", "reject-row", "--on-overwrite", "new-version",
        "--stable", "0.5", "--poll", "1", "--notify-url", "https://example.com/hook",
        "--notify-email", "data@example.com", "--delimiter", ";", "--encoding", "cp1252",
        "--quote", "'", "--no-header", "--skip-lines", "2", "--format", "csv", "--sheet", "one",
    )  # fmt: skip
    assert result.exit_code == 0
    assert "raw.prices, upsert" in result.stdout
    assert "new version" in result.stdout
    assert "/share/in, recursively" in result.stdout
    watch = state.folder_watches["w-0"]
    assert (list(watch.patterns), watch.recursive) == (["*.csv", "*.json"], True)
    assert (watch.stable_seconds, watch.poll_seconds) == (0.5, 1)
    assert watch.on_overwrite == FolderWatch.NEW_VERSION
    config, options = watch.import_config, watch.import_config.options
    assert (config.target_table, config.schema_inference) == ("raw.prices", False)
    assert config.notification_url == "https://example.com/hook"
    assert config.notification_email == "data@example.com"
    assert options == Options(
        mode=Options.UPSERT,
        key_columns=["sku", "day"],
        new_columns=Options.RESCUE,
        type_changes=Options.REJECT_ROW,
        data_types={"price": "DECIMAL(10, 2)", "a=b": "DATE"},
        null_values=["N/A"],
        delimiter=";",
        encoding="cp1252",
        quote="'",
        has_header=False,
        skip_lines=2,
        format="csv",
        sheet="one",
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["/share/in", "--type", "price"], "--type price: write COLUMN=SQLTYPE"),
        (["/share/in", "--type", "=DATE"], "write COLUMN=SQLTYPE"),
        (["/share/in", "--mode", "merge"], "append"),
    ],
)
def test_wrong_usage(run: Callable[..., Result], words: list[str], told: str) -> None:
    result = run("folders", "watch", *words)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_folder_below_no_mount(run: Callable[..., Result]) -> None:
    result = run("folders", "watch", "/elsewhere")
    assert result.exit_code == 1
    assert "mount '/elsewhere'" in result.stderr
