"""Who wants to know is told, over real HTTP and SMTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from mail_servers import MailHost, StartMailHost

from headrace_server.connectors.mail import Mailer, mail_server
from headrace_server.connectors.webhooks import Webhooks
from headrace_server.core.storage.notifications import NOTIFY, Notifier
from headrace_server.db.engine import ControlStore
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.storage import FileStatus, ImportConfig, StoredFile

from .conftest import NOW, Share

FILE = StoredFile(
    watch_id="w1",
    tenant_id="acme",
    file_path="/mnt/share/a.csv",
    size=4,
    modified_at=NOW,
    fingerprint="one",
    status=FileStatus.IMPORTED,
    detected_at=NOW,
    stable_since=NOW,
    import_id="i1",
    rows_imported=3,
)
FAILED = replace(FILE, status=FileStatus.FAILED, error="no header", rows_imported=0, import_id=None)


@pytest.fixture
async def store(migrated_sqlite_url: str) -> AsyncIterator[ControlStore]:
    """A store on one engine: what differs by engine is tested beside this."""
    store = ControlStore.open(migrated_sqlite_url)
    yield store
    await store.close()


@dataclass
class Hook:
    """A server on loopback that is told; it answers in turn, the last answer for ever."""

    answers: list[str] = field(default_factory=lambda: ["204 No Content"])
    port: int = 0
    #: webhook-id and body of each call
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().splitlines()
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.heard.append((headers["webhook-id"], json.loads(body)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        writer.write(f"HTTP/1.1 {answer}\r\nconnection: close\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()

    @property
    def config(self) -> ImportConfig:
        return ImportConfig(notification_url=f"http://127.0.0.1:{self.port}/told")


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    hook = Hook()
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0)
    hook.port = server.sockets[0].getsockname()[1]
    async with server:
        yield hook


@pytest.fixture
async def webhooks() -> AsyncIterator[Webhooks]:
    webhooks = Webhooks(allow_private=True)
    yield webhooks
    await webhooks.close()


async def _tell(share: Share, config: ImportConfig, *files: StoredFile) -> None:
    async with share.store.begin() as connection:
        await share.notifications.enqueue(connection, config, files)


async def _run(share: Share, notifier: Notifier) -> Job:
    (job,) = await share.jobs.claim("w", [NOTIFY], 1)
    await notifier.run(job)
    found = await share.jobs.find(job.job_id)
    assert found is not None
    return found


async def test_a_webhook(share: Share, hook: Hook, webhooks: Webhooks) -> None:
    notifier = Notifier(share.store, share.jobs, webhooks, None)
    await _tell(share, hook.config, FAILED)
    assert (await _run(share, notifier)).status is JobStatus.COMPLETED
    ((message_id, body),) = hook.heard
    assert message_id.startswith("msg_")
    assert body == {
        "type": "file.failed",
        "timestamp": NOW.isoformat(),
        "data": {
            "file_path": "/mnt/share/a.csv",
            "status": "FAILED",
            "watch_id": "w1",
            "import_id": None,
            "rows_imported": 0,
            "size_bytes": 4,
            "error": "no header",
        },
    }


async def test_a_webhook_is_sent_again_with_the_same_id(
    share: Share, hook: Hook, webhooks: Webhooks
) -> None:
    hook.answers = ["503 Later", "204 No Content"]
    notifier = Notifier(share.store, share.jobs, webhooks, None)
    await _tell(share, hook.config, FILE)
    waiting = await _run(share, notifier)
    assert (waiting.status, waiting.last_error) == (
        JobStatus.PENDING,
        "127.0.0.1 answered 503 Later",
    )
    share.now = waiting.available_at
    assert (await _run(share, notifier)).status is JobStatus.COMPLETED
    assert hook.heard[0] == hook.heard[1]


async def test_what_is_refused_for_good_is_given_up(
    share: Share, hook: Hook, webhooks: Webhooks
) -> None:
    hook.answers = ["410 Gone"]
    notifier = Notifier(share.store, share.jobs, webhooks, None)
    await _tell(share, hook.config, FILE)
    assert (await _run(share, notifier)).status is JobStatus.COMPLETED
    private = Webhooks(allow_private=False)
    await _tell(share, hook.config, FILE)
    ended = await _run(share, Notifier(share.store, share.jobs, private, None))
    await private.close()
    assert (ended.status, len(hook.heard)) == (JobStatus.COMPLETED, 1)


@pytest.mark.parametrize(
    ("file", "subject", "lines"),
    [
        (FILE, "Imported: /mnt/share/a.csv", ["Rows in the table: 3", "Import: i1"]),
        (FAILED, "Not imported: /mnt/share/a.csv", ["What went wrong: no header"]),
        (
            replace(FILE, status=FileStatus.IMPORTED_WITH_ERRORS),
            "Imported with errors: /mnt/share/a.csv",
            ["File: /mnt/share/a.csv", "Size: 4 bytes"],
        ),
    ],
)
async def test_a_mail(
    share: Share,
    start_mail_host: StartMailHost,
    webhooks: Webhooks,
    file: StoredFile,
    subject: str,
    lines: list[str],
) -> None:
    host: MailHost = await start_mail_host()
    mailer = Mailer(mail_server(f"smtp://127.0.0.1:{host.port}", "headrace@example.com"))
    notifier = Notifier(share.store, share.jobs, webhooks, mailer)
    await _tell(share, ImportConfig(notification_email="team@example.com"), file)
    assert (await _run(share, notifier)).status is JobStatus.COMPLETED
    ((recipients, mail),) = host.received
    assert (recipients, mail["Subject"]) == (["team@example.com"], subject)
    assert set(lines) <= set(mail.get_content().splitlines())


async def test_a_server_that_sends_no_mail_says_so_once(
    share: Share, webhooks: Webhooks, capsys: pytest.CaptureFixture[str]
) -> None:
    notifier = Notifier(share.store, share.jobs, webhooks, None)
    for _ in range(2):
        await _tell(share, ImportConfig(notification_email="team@example.com"), FILE)
        assert (await _run(share, notifier)).status is JobStatus.COMPLETED
    assert capsys.readouterr().out.count("notifications.no_mail") == 1


async def test_nothing_is_queued_for_nobody(share: Share) -> None:
    await _tell(share, ImportConfig(), FILE)
    await _tell(share, ImportConfig(notification_email="team@example.com"))
    assert await share.jobs.claim("w", [NOTIFY], 1) == []
