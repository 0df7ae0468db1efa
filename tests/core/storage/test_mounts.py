"""Mounts on each engine, of real folders."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.local import LocalStore
from headrace_server.core.storage import mounts as module
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.vault import SecretKeyError, Vault
from headrace_server.db import mounts as mount_rows
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    StorageUnavailableError,
    WrongStateError,
)
from headrace_server.model.page import PageRequest
from headrace_server.model.storage import Mount, Place, StorageType

from .conftest import FIRST, NOW, Share


async def _mounts(share: Share) -> dict[str, Mount]:
    page = await share.mounts.list(share.acme, FIRST)
    return {each.mount.local_path: each.mount for each in page.items}


async def test_a_mount_is_listed_with_its_room(share: Share) -> None:
    page = await share.mounts.list(share.acme, FIRST)
    (listed,) = page.items
    assert (listed.mount.local_path, listed.mount.mounted_at) == ("/mnt/share", NOW)
    assert listed.free_bytes is not None
    assert listed.free_bytes > 0
    assert (await share.mounts.list(share.globex, FIRST)).items == ()


async def test_pages(share: Share) -> None:
    for name in ("a", "b"):
        await share.mounts.mount(share.acme, f"/mnt/{name}", share.place())
    first = await share.mounts.list(share.acme, PageRequest(2))
    rest = await share.mounts.list(share.acme, PageRequest(2, first.next_token))
    paths = [each.mount.local_path for each in (*first.items, *rest.items)]
    assert (paths, rest.next_token) == (["/mnt/a", "/mnt/b", "/mnt/share"], "")


async def test_the_longest_mount_holds_a_path(share: Share) -> None:
    share.write("in/a.csv", "outer")
    share.write("other/a.csv", "inner!")
    await share.mounts.mount(share.acme, "/mnt/share/in", share.place("other"))
    for path, size in (("/mnt/share/in/a.csv", 6), ("/mnt/share/other/a.csv", 6)):
        assert (await share.mounts.stat("acme", path)).size == size
    async with share.mounts.at("acme", "/mnt/share/in/deep/a.csv") as (_, inner):
        assert inner == "deep/a.csv"
    async with share.mounts.at("acme", "/mnt/share/inner") as (_, inner):
        assert inner == "inner"


async def test_a_path_that_no_mount_holds(share: Share) -> None:
    for tenant, path in (("acme", "/mnt"), ("acme", "/mnt/shared/a"), ("globex", "/mnt/share/a")):
        with pytest.raises(NotFoundError, match="no mount holds this path; mount its place first"):
            await share.mounts.stat(tenant, path)
    with pytest.raises(NotFoundError, match=r"file '/mnt/share/gone\.csv' not found"):
        await share.mounts.stat("acme", "/mnt/share/gone.csv")
    with pytest.raises(InvalidFieldError, match="file_path"):
        await share.mounts.stat("acme", "/mnt/share/../../etc/passwd")


async def test_mounting_again_replaces(share: Share) -> None:
    share.write("one/a.csv", "1")
    share.write("two/a.csv", "22")
    await share.mounts.mount(share.acme, "/mnt/share", share.place("one"))
    elsewhere = share.other_mounts()
    assert (await elsewhere.stat("acme", "/mnt/share/a.csv")).size == 1
    before = (await _mounts(share))["/mnt/share"]
    share.now = share.now.replace(hour=5)
    await share.mounts.mount(share.acme, "/mnt/share/", share.place("two"))
    after = (await _mounts(share))["/mnt/share"]
    assert (after.mount_id, after.mounted_at) == (before.mount_id, share.now)
    # Another server, which had it open, hears of it.
    assert (await elsewhere.stat("acme", "/mnt/share/a.csv")).size == 2
    await elsewhere.close()


@pytest.mark.parametrize("path", ["/", "/mnt/../etc", "/a//b", f"/{'x' * 255}"])
async def test_a_path_that_cannot_be_mounted_at(share: Share, path: str) -> None:
    with pytest.raises(InvalidFieldError) as error:
        await share.mounts.mount(share.acme, path, share.place())
    assert error.value.violations[0].field == "local_path"


async def test_a_place_that_can_never_be_is_not_kept(share: Share) -> None:
    places = [
        (replace(share.place(), network_path="/etc"), "network_path", "below no folder"),
        (replace(share.place(), network_path="x"), "network_path", "must look like"),
        (share.place("gone"), "network_path", "no such file or folder"),
        (replace(share.place(), storage_type=StorageType.SMB), "storage_type", "is LOCAL, not SMB"),
        (replace(share.place(), port=7), "port", "LOCAL takes none"),
        (replace(share.place(), credentials={"username": "u"}), "credentials.username", "none"),
    ]
    for place, field, words in places:
        with pytest.raises(InvalidFieldError, match=words) as error:
            await share.mounts.mount(share.acme, "/mnt/other", place)
        assert error.value.violations[0].field == field
    assert set(await _mounts(share)) == {"/mnt/share"}


async def test_unmounting(share: Share) -> None:
    mount_id = (await _mounts(share))["/mnt/share"].mount_id
    with pytest.raises(NotFoundError):
        await share.mounts.unmount(share.globex, mount_id)
    share.write("in/a.csv")
    watch = await share.watch("in")
    with pytest.raises(WrongStateError, match="/mnt/share/in of it is watched"):
        await share.mounts.unmount(share.acme, mount_id)
    # The mount below is the one that holds the folder.
    await share.mounts.mount(share.acme, "/mnt/share/in", share.place("in"))
    await share.mounts.unmount(share.acme, mount_id)
    inner = (await _mounts(share))["/mnt/share/in"].mount_id
    with pytest.raises(WrongStateError):
        await share.mounts.unmount(share.acme, inner)
    await share.watches.stop(share.acme, watch.watch_id)
    await share.mounts.unmount(share.acme, inner)
    with pytest.raises(NotFoundError):
        await share.mounts.unmount(share.acme, inner)
    assert await _mounts(share) == {}


async def test_a_tenant_has_not_too_many(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MOUNTS", 1)
    with pytest.raises(QuotaExceededError):
        await share.mounts.mount(share.acme, "/mnt/other", share.place())
    await share.mounts.mount(share.acme, "/mnt/share", share.place())
    await share.mounts.mount(share.globex, "/mnt/share", share.place())


class Flaky(LocalStore):
    """A folder of a machine that can go away, and whose password may be wrong."""

    def __init__(self, place: Place) -> None:
        folder = Path(place.network_path)
        super().__init__(folder, [folder], timeout=5)
        self._given = place.credentials.get("password", "")

    async def check(self) -> None:
        if self._given == "wrong":
            raise ConnectorError("the host refused the password")
        if self._away:
            raise TemporaryError("the host does not answer")
        await super().check()

    @property
    def _away(self) -> bool:
        return (self._folder / "away").exists()

    async def free_bytes(self) -> int | None:
        if (self._folder / "slow").exists():
            await asyncio.Event().wait()
        return await super().free_bytes()


def _flaky(share: Share, vault: Vault) -> Mounts:
    def open_(place: Place) -> Flaky:
        # Where it really is, since no share is there to be reached.
        return Flaky(replace(place, network_path=str(share.folder)))

    return Mounts(share.store, lambda: vault, open_, share.clock)


SMB = Place(StorageType.SMB, "//host/share", {"username": "u", "password": "hunter2"})


async def test_credentials_are_kept_sealed_and_given_to_the_place(share: Share) -> None:
    vault = Vault({"k1": b"k" * 32})
    mounts = _flaky(share, vault)
    mounted = await mounts.mount(share.acme, "/mnt/smb", SMB)
    assert mounted.mount.place.credentials == {}
    assert "hunter2" not in repr(mounted)
    async with share.store.read() as connection:
        stored = await mount_rows.at(connection, "acme", ["/mnt/smb"])
    assert stored is not None
    assert stored.credentials is not None
    assert b"hunter2" not in stored.credentials
    owner = f"acme/{mounted.mount.mount_id}"
    opened = json.loads(vault.open(stored.key_id or "", stored.credentials, owner))
    assert opened == SMB.credentials
    async with mounts.at("acme", "/mnt/smb/a") as (store, _):
        assert isinstance(store, Flaky)
        assert store._given == SMB.credentials["password"]
    others = _flaky(share, Vault({"k2": b"o" * 32}))
    with pytest.raises(InvalidFieldError, match="the secret key 'k1' is not there"):
        await others.stat("acme", "/mnt/smb/a")
    wrong = replace(SMB, credentials={"username": "u", "password": "wrong"})
    with pytest.raises(InvalidFieldError, match="refused the password"):
        await mounts.mount(share.acme, "/mnt/smb", wrong)
    await mounts.close()


async def test_credentials_need_a_key(share: Share) -> None:
    def none() -> Vault:
        raise SecretKeyError("secrets need keys")

    mounts = Mounts(share.store, none, _flaky(share, Vault({"k": bytes(32)}))._open, share.clock)
    with pytest.raises(WrongStateError, match="credentials cannot be kept: secrets need keys"):
        await mounts.mount(share.acme, "/mnt/smb", SMB)
    await mounts.mount(share.acme, "/mnt/smb", replace(SMB, credentials={}))
    await mounts.close()


async def test_a_place_that_does_not_answer_is_told(share: Share) -> None:
    mounts = _flaky(share, Vault({"k1": b"k" * 32}))
    share.mounts = mounts
    (share.folder / "away").touch()
    with pytest.raises(StorageUnavailableError, match="the host does not answer"):
        await mounts.mount(share.acme, "/mnt/smb", SMB)
    (share.folder / "away").unlink()
    await mounts.mount(share.acme, "/mnt/smb", SMB)

    async def use(error: Exception | None = None) -> str | None:
        with pytest.raises(type(error)) if error else pytest.MonkeyPatch.context():
            async with mounts.at("acme", "/mnt/smb/a"):
                if error:
                    raise error
        return (await _mounts(share))["/mnt/smb"].error

    # One file that changes while it is read says nothing of its place.
    assert await use(TemporaryError("a changed while it was read")) is None
    (share.folder / "away").touch()
    assert await use(MissingError("no such file")) is None
    assert await use(TemporaryError("cut")) == "the host does not answer"
    (free,) = [
        each.free_bytes
        for each in (await mounts.list(share.acme, FIRST)).items
        if each.mount.error is not None
    ]
    assert free is None
    (share.folder / "away").unlink()
    assert await use() is None
    await mounts.close()


async def test_a_slow_place_does_not_hold_up_the_list(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = share.mounts = _flaky(share, Vault({"k1": b"k" * 32}))
    await mounts.mount(share.acme, "/mnt/smb", SMB)
    monkeypatch.setattr(module, "_SPACE_SECONDS", 0.01)
    (share.folder / "slow").touch()
    listed = (await mounts.list(share.acme, FIRST)).items
    assert [each.free_bytes for each in listed] == [None, None]
    await mounts.close()
