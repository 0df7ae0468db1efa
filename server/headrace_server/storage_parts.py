"""The parts that find files and bring them in, built in reading order; `app` wires the rest."""

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

from headrace_server.config import Config
from headrace_server.connectors.mail import Mailer, mail_server
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.opening import open_store
from headrace_server.connectors.webhooks import Webhooks
from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.imports.accepting import FileImports
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.storage.files import Files
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.storage.notifications import Notifications, Notifier
from headrace_server.core.storage.records import FileRecords
from headrace_server.core.storage.scanning import Scanner
from headrace_server.core.storage.settling import Settler
from headrace_server.core.storage.taking import Taker
from headrace_server.core.storage.vault import Vault, open_vault
from headrace_server.core.storage.watcher import Watcher
from headrace_server.core.storage.watches import FolderWatches
from headrace_server.core.watching import Watches
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class StorageParts:
    """What storage is made of."""

    folder_watches: FolderWatches
    files: Files
    watcher: Watcher
    notifier: Notifier


def vault_of(config: Config, store: ControlStore) -> Callable[[], Vault]:
    """Return what opens the vault of secrets when the first one is wanted."""
    return cache(
        partial(
            open_vault,
            config.secret_keys,
            data_dir=config.data_dir,
            shared=store.dialect == "postgresql",
        )
    )


@asynccontextmanager
async def open_mounts(
    config: Config, store: ControlStore, clock: Callable[[], datetime]
) -> AsyncIterator[Mounts]:
    """Give the mounts; their places are closed at the end."""
    access = MountAccess(
        file_roots=config.file_roots,
        allow_private=config.allow_private_targets,
        hosts=config.private_hosts,
        mount_folder=config.data_dir / "mounts",
    )
    mounts = Mounts(store, vault_of(config, store), partial(open_store, access=access), clock)
    try:
        yield mounts
    finally:
        await mounts.close()


def webhooks_of(config: Config) -> Webhooks:
    """Return what posts webhooks as the settings say."""
    return Webhooks(secret=config.webhook_secret, allow_private=config.allow_private_targets)


def storage_parts(
    config: Config,
    store: ControlStore,
    wakeups: Wakeups,
    jobs: Jobs,
    contracts: Contracts,
    mounts: Mounts,
    imports: FileImports,
    webhooks: Webhooks,
    watches: Watches,
    clock: Callable[[], datetime],
) -> StorageParts:
    """Build the parts of storage that stand on mounts and imports."""
    records = FileRecords(store, wakeups)
    notifications = Notifications(jobs)
    mailer = Mailer(mail_server(config.smtp_url, config.smtp_from)) if config.smtp_url else None
    # Two on one machine, or in one process, are two.
    watcher_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    watcher = Watcher(
        store,
        mounts,
        wakeups,
        Scanner(store, mounts, records, clock, watcher_id),
        Taker(store, imports, contracts, jobs, records, notifications),
        Settler(store, records, notifications),
        clock,
        watcher_id,
    )
    return StorageParts(
        folder_watches=FolderWatches(store, mounts, wakeups, clock),
        files=Files(store, records, watches, wakeups),
        watcher=watcher,
        notifier=Notifier(store, jobs, webhooks, mailer),
    )
