"""The parts that find files and bring them in."""

import os
import secrets
import socket
from dataclasses import dataclass

from headrace_server.composition.connections import mailer_of
from headrace_server.composition.foundation import Foundation
from headrace_server.composition.ingestion import IngestionParts
from headrace_server.core.storage.files import Files
from headrace_server.core.storage.notifications import Notifications, Notifier
from headrace_server.core.storage.records import FileRecords
from headrace_server.core.storage.scanning import Scanner
from headrace_server.core.storage.settling import Settler
from headrace_server.core.storage.taking import Taker
from headrace_server.core.storage.watcher import Watcher
from headrace_server.core.storage.watches import FolderWatches


@dataclass(frozen=True, slots=True)
class StorageParts:
    """What storage is made of."""

    folder_watches: FolderWatches
    files: Files
    watcher: Watcher
    notifier: Notifier


def storage_parts(base: Foundation, ingestion: IngestionParts) -> StorageParts:
    """Build the parts of storage that stand on mounts and imports."""
    store, wakeups, jobs, mounts, clock = (
        base.store,
        base.wakeups,
        base.jobs,
        base.mounts,
        base.clock,
    )
    records = FileRecords(store, wakeups)
    notifications = Notifications(jobs)
    # Two on one machine, or in one process, are two.
    watcher_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    watcher = Watcher(
        store,
        mounts,
        wakeups,
        Scanner(store, mounts, records, clock, watcher_id),
        Taker(store, ingestion.imports, base.contracts, jobs, records, notifications),
        Settler(store, records, notifications),
        clock,
        watcher_id,
    )
    return StorageParts(
        folder_watches=FolderWatches(store, mounts, wakeups, clock),
        files=Files(store, records, ingestion.watches, wakeups),
        watcher=watcher,
        notifier=Notifier(store, jobs, base.webhooks, mailer_of(base.config)),
    )
