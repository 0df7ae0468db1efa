import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from storage_servers import REACH

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.nfs import NfsStore, mounted
from headrace_server.connectors.mounts.opening import open_store
from headrace_server.model.storage import Place, StorageType

PLACE = Place(StorageType.NFS, "127.0.0.1:/srv/export")
TABLE = r"""sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0
/dev/vda / ext4 rw,relatime 0 0
files.lan:/srv/old /mnt/old nfs rw,vers=3,addr=10.0.0.7 0 0
files.lan:/srv/two\040words /mnt/a\134b\011c nfs4 rw,relatime,vers=4.2,addr=10.0.0.7 0 0
//files.lan/share /mnt/share cifs rw 0 0
nfsd /proc/fs/nfsd nfsd rw 0 0
files.lan:/srv/old /mnt/new nfs4 rw 0 0
broken
"""


def test_the_table_of_mounts_is_read() -> None:
    assert list(mounted(TABLE)) == [
        ("files.lan:/srv/old", Path("/mnt/new")),
        ("files.lan:/srv/two words", Path("/mnt/a\\b\tc")),
        ("files.lan:/srv/old", Path("/mnt/old")),
    ]


def test_the_table_of_this_machine_is_read() -> None:
    assert all(folder.is_absolute() for _, folder in mounted(Path("/proc/self/mounts").read_text()))


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A folder that stands for what an export is mounted on."""
    folder = tmp_path / "mounted here"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "a.csv").write_bytes(b"a\n1\n")
    return folder


@pytest.fixture
def table(tmp_path: Path, export: Path) -> Path:
    """A table of mounts that has the export."""
    file = tmp_path / "mounts"
    file.write_text(
        f"{PLACE.network_path} {str(export).replace(' ', chr(92) + '040')} nfs4 ro 0 0\n"
    )
    return file


@pytest.fixture
def access(tmp_path: Path) -> MountAccess:
    return replace(REACH, mount_folder=tmp_path / "mounts of ours")


def own_mounts(access: MountAccess) -> list[Path]:
    assert access.mount_folder is not None
    return list(access.mount_folder.iterdir()) if access.mount_folder.exists() else []


async def test_what_is_mounted_is_read(table: Path, access: MountAccess, tmp_path: Path) -> None:
    store = NfsStore(PLACE, access, table=table)
    await store.check()
    assert [each.path for each in await store.list("", recursive=True)] == ["in/a.csv"]
    info = await store.fetch("in/a.csv", tmp_path / "copy", most_bytes=4)
    assert info == await store.stat("in/a.csv")
    with store.open("in/a.csv") as file:
        assert file.read() == b"a\n1\n"
    assert await store.free_bytes()
    assert store.folder_on_disk("in") is None
    await store.close()
    assert own_mounts(access) == []


async def test_links_do_not_lead_out(table: Path, access: MountAccess, export: Path) -> None:
    (export / "out").symlink_to("/etc")
    with pytest.raises(MissingError, match="leads out of the mount"):
        await NfsStore(PLACE, access, table=table).stat("out/passwd")


async def test_servers_must_be_named(table: Path, access: MountAccess) -> None:
    store = NfsStore(PLACE, replace(access, hosts=()), table=table)
    with pytest.raises(
        ConnectorError, match=r"127\.0\.0\.1 is not named in HEADRACE_STORAGE_HOSTS"
    ):
        await store.check()
    await NfsStore(PLACE, replace(access, hosts=(), allow_private=True), table=table).check()


def not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace_server.connectors.mounts.nfs._PROGRAMS", "")
    monkeypatch.setenv("PATH", "")


@pytest.mark.parametrize("hindered", [not_root, no_program])
async def test_what_cannot_be_mounted_here_is_said(
    tmp_path: Path,
    access: MountAccess,
    monkeypatch: pytest.MonkeyPatch,
    hindered: Callable[[pytest.MonkeyPatch], None],
) -> None:
    (tmp_path / "empty").write_text(TABLE)
    hindered(monkeypatch)
    with pytest.raises(ConnectorError, match="have its operator mount it there") as caught:
        await NfsStore(PLACE, access, table=tmp_path / "empty").check()
    assert not isinstance(caught.value, TemporaryError)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that stand for mount.nfs and umount; they write the table of mounts.

    The kernels that tests run on know no NFS: of it there is only what it says.
    """
    folder = tmp_path / "programs"
    folder.mkdir()
    (tmp_path / "own").write_text("")
    program(
        folder / "mount.nfs",
        f'echo "$@" >> {tmp_path}/said',
        'echo b > "$2/b.csv"',
        "escaped=$(printf %s \"$2\" | sed 's/ /\\\\040/g')",
        f'printf \'%s %s nfs4 ro 0 0\\n\' "$1" "$escaped" >> {tmp_path}/own',
    )
    program(
        folder / "umount",
        f'echo "umount $@" >> {tmp_path}/said',
        'rm "$2/b.csv"',
        f": > {tmp_path}/own",
    )
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return folder


def program(file: Path, *lines: str) -> None:
    file.write_text("\n".join(["#!/bin/sh", "set -e", *lines, ""]))
    file.chmod(0o755)


async def test_it_is_mounted_to_be_read_and_unmounted_at_the_end(
    programs: Path, access: MountAccess, tmp_path: Path
) -> None:
    store = NfsStore(PLACE, access, table=tmp_path / "own")
    await store.check()
    assert [each.path for each in await store.list("", recursive=True)] == ["b.csv"]
    (folder,) = own_mounts(access)
    await store.close()
    assert own_mounts(access) == []
    mount, umount = (tmp_path / "said").read_text().splitlines()
    assert mount.startswith(f"127.0.0.1:/srv/export {folder} -o ro,soft,timeo=50,")
    assert umount == f"umount -l {folder}"


async def test_a_mount_that_has_gone_is_mounted_again(
    programs: Path, access: MountAccess, tmp_path: Path
) -> None:
    store = NfsStore(PLACE, access, table=tmp_path / "own")
    await store.check()
    (tmp_path / "own").write_text("")
    assert [each.path for each in await store.list("", recursive=True)] == ["b.csv"]
    assert len((tmp_path / "said").read_text().splitlines()) == 2
    await store.close()


@pytest.mark.parametrize(
    ("said", "words", "error"),
    [
        ("mount.nfs: access denied by server while mounting", "does not export it", ConnectorError),
        (
            "mount.nfs: mounting a:/b failed: No such file or directory",
            "no such export",
            MissingError,
        ),
        ("mount.nfs: Connection refused", "does not answer", TemporaryError),
        ("mount.nfs: something odd", "cannot be mounted: mount.nfs: something odd", TemporaryError),
        ("", "no reason given", TemporaryError),
    ],
)
async def test_what_mount_says_is_told(
    programs: Path,
    access: MountAccess,
    tmp_path: Path,
    said: str,
    words: str,
    error: type[ConnectorError],
) -> None:
    program(programs / "mount.nfs", f"echo '{said}' >&2; exit 32")
    store = NfsStore(PLACE, access, table=tmp_path / "own")
    with pytest.raises(ConnectorError, match=words) as caught:
        await store.check()
    assert type(caught.value) is error
    assert own_mounts(access) == []
    await store.close()


async def test_a_mount_that_hangs_is_not_waited_for(
    programs: Path, access: MountAccess, tmp_path: Path
) -> None:
    program(programs / "mount.nfs", "exec sleep 60")
    store = NfsStore(PLACE, replace(access, timeout=0.1), table=tmp_path / "own")
    with pytest.raises(TemporaryError, match="does not answer"):
        await store.check()


def test_an_export_is_opened(access: MountAccess) -> None:
    assert isinstance(open_store(PLACE, access), NfsStore)
