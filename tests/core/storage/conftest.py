"""Watched folders of a tenant on each engine, with a clock of their own and real files."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.opening import open_store
from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.imports.accepting import FileImports
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.storage.files import FileFilter, Files
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.storage.notifications import Notifications
from headrace_server.core.storage.records import FileRecords
from headrace_server.core.storage.scanning import Scanner
from headrace_server.core.storage.settling import Settler
from headrace_server.core.storage.taking import Taker
from headrace_server.core.storage.watcher import Watcher
from headrace_server.core.storage.watches import FolderWatches, NewWatch
from headrace_server.core.vault import Vault
from headrace_server.core.watching import Watches
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import tables
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.ingestion import Status
from headrace_server.model.page import PageRequest
from headrace_server.model.storage import FolderWatch, Place, StorageType, StoredFile
from headrace_server.model.tenant import Principal, Scope

NOW = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)
FIRST = PageRequest()


@dataclass
class Share:
    """A folder of this machine, mounted at /mnt/share, and the parts that watch it."""

    store: ControlStore
    folder: Path
    now: datetime = NOW
    wakeups: Wakeups = field(default_factory=Wakeups)

    def __post_init__(self) -> None:
        self.acme, self.globex = (
            Principal(name, frozenset(Scope), None) for name in ("acme", "globex")
        )
        self.mounts = self.other_mounts()
        self.watches = FolderWatches(self.store, self.mounts, self.wakeups, self.clock)
        self.jobs = Jobs(self.store, self.wakeups, clock=self.clock)
        self.records = FileRecords(self.store, self.wakeups)
        self.notifications = Notifications(self.jobs)
        self.limits = Limits(heartbeat=timedelta(milliseconds=50))
        self.taker = self.taker_of(FileImports)
        self.settler = Settler(self.store, self.records, self.notifications)
        nobody: Any = None
        streams = Watches(self.store, nobody, nobody, self.wakeups, self.limits, self.clock)
        self.files = Files(self.store, self.records, streams, self.wakeups)
        self.scanner = self.scanner_of("here")

    def clock(self) -> datetime:
        return self.now

    def other_mounts(self) -> Mounts:
        """Mounts of another server on the same control store."""
        access = MountAccess(file_roots=(self.folder,))
        vault = Vault({"k1": b"k" * 32})
        return Mounts(self.store, lambda: vault, partial(open_store, access=access), self.clock)

    def taker_of(self, kind: type[FileImports]) -> Taker:
        contracts = Contracts(self.store)
        imports = kind(
            self.store, self.jobs, contracts, self.mounts, self.wakeups, self.limits, self.clock
        )
        return Taker(self.store, imports, contracts, self.jobs, self.records, self.notifications)

    def scanner_of(self, watcher_id: str) -> Scanner:
        return Scanner(self.store, self.mounts, self.records, self.clock, watcher_id)

    def watcher_of(self, watcher_id: str) -> Watcher:
        return Watcher(
            self.store,
            self.mounts,
            self.wakeups,
            self.scanner_of(watcher_id),
            self.taker,
            self.settler,
            self.clock,
            watcher_id,
        )

    def place(self, folder: str = "") -> Place:
        return Place(StorageType.LOCAL, str(self.folder / folder))

    async def watch(self, folder: str = "", **asked: Any) -> FolderWatch:
        """Watch a folder of the mount, and hold it as the server `here`."""
        path = f"/mnt/share/{folder}".rstrip("/")
        watch = await self.watches.watch(self.acme, NewWatch(path, **asked))
        await self.hold("here")
        return watch

    async def hold(self, watcher_id: str) -> list[FolderWatch]:
        async with self.store.begin() as connection:
            await watch_rows.take(
                connection, watcher_id, self.now, self.now + timedelta(days=1), 10
            )
            return await watch_rows.all_held(connection, watcher_id, self.now)

    def write(self, name: str, text: str = "a\n1\n", age: float = 0) -> Path:
        """Write a file that is so many seconds old."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        modified = NOW.timestamp() - age
        os.utime(path, (modified, modified))
        return path

    async def look(self, watch: FolderWatch, after: float = 0) -> dict[str, str]:
        """Look at a folder some seconds later; returns the statuses by name."""
        self.now += timedelta(seconds=after)
        await self.scanner.look(watch)
        return await self.statuses()

    async def stored(self) -> dict[str, StoredFile]:
        listed = await self.files.list(self.acme, FileFilter(), FIRST)
        return {file.file_path.rpartition("/")[2]: file for file in listed.page.items}

    async def statuses(self) -> dict[str, str]:
        return {name: file.status.value for name, file in (await self.stored()).items()}

    async def end(self, name: str, status: Status, **values: Any) -> None:
        """Have the import of a file stand so."""
        import_id = (await self.stored())[name].import_id
        async with self.store.begin() as connection:
            await ingestion_rows.update_ingestion(
                connection, import_id or "", frozenset(Status), status=status, **values
            )


@pytest.fixture
async def share(store: ControlStore, tmp_path: Path) -> AsyncIterator[Share]:
    folder = tmp_path / "share"
    folder.mkdir()
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert(),
            [
                {"tenant_id": name, "display_name": name, "status": "ACTIVE", "created_at": NOW}
                for name in ("acme", "globex")
            ],
        )
    share = Share(store, folder)
    await share.mounts.mount(share.acme, "/mnt/share", share.place())
    yield share
    await share.mounts.close()
