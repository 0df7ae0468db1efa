"""Who wants to know is told when a file was imported, or could not be."""

import json
import uuid
from collections.abc import Iterator, Sequence

import structlog

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.mail import Mailer
from headrace_server.connectors.webhooks import Webhooks
from headrace_server.core.jobs.queue import Jobs
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.model.job import Job, NewJob
from headrace_server.model.storage import FileStatus, ImportConfig, StoredFile

#: kind of the job that tells somebody; its payload is all that is told, and whom
NOTIFY = "notify"

#: failed attempts that end it, about half an hour after the first
ATTEMPTS = 10

_log = structlog.get_logger(__name__)


class Notifications:
    """Jobs that tell what became of files, one for each way that somebody is told."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def enqueue(
        self, connection: Connection, config: ImportConfig, files: Sequence[StoredFile]
    ) -> None:
        """Queue what is told of files that ended, in the transaction that says so.

        The worker's poll finds it; nobody waits for it.
        """
        new = [
            NewJob(NOTIFY, file.tenant_id, payload, max_retries=ATTEMPTS)
            for file in files
            for payload in _payloads(config, file)
        ]
        if new:
            await self._jobs.enqueue_all(connection, new)


def _payloads(config: ImportConfig, file: StoredFile) -> Iterator[dict[str, object]]:
    for way, whom in (("url", config.notification_url), ("email", config.notification_email)):
        if whom:
            yield {"id": f"msg_{uuid.uuid4().hex}", way: whom, "event": _event(file)}


def _event(file: StoredFile) -> dict[str, object]:
    return {
        "type": f"file.{file.status.value.lower()}",
        "data": {
            "file_path": file.file_path,
            "status": file.status.value,
            "watch_id": file.watch_id,
            "import_id": file.import_id,
            "rows_imported": file.rows_imported,
            "size_bytes": file.size,
            "error": file.error,
        },
    }


class Notifier:
    """Runs the jobs: posts a webhook or sends a mail."""

    def __init__(
        self, store: ControlStore, jobs: Jobs, webhooks: Webhooks, mailer: Mailer | None
    ) -> None:
        """Take no mailer where the server can send no mail."""
        self._store = store
        self._jobs = jobs
        self._webhooks = webhooks
        self._mailer = mailer
        self._told_of_no_mailer = False

    async def run(self, job: Job) -> None:
        """Tell somebody; what can never be told is given up, what may be later is tried again."""
        try:
            await self._tell(job)
        except TemporaryError as error:
            await self._jobs.record_failure(job.job_id, job.attempt, str(error))
            return
        except ConnectorError as error:
            _log.warning("notifications.refused", job_id=job.job_id, error=str(error))
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)

    async def _tell(self, job: Job) -> None:
        payload = job.payload
        event = {**payload["event"], "timestamp": job.created_at.isoformat()}
        if "url" in payload:
            await self._webhooks.post(payload["url"], payload["id"], json.dumps(event))
        elif self._mailer is not None:
            about_file = "text" not in payload
            subject, text = (
                _in_words(event["data"]) if about_file else (payload["subject"], payload["text"])
            )
            await self._mailer.send(payload["email"], payload["id"], subject, text)
        elif not self._told_of_no_mailer:
            self._told_of_no_mailer = True
            _log.warning("notifications.no_mail", wanted="HEADRACE_SMTP_URL, HEADRACE_SMTP_FROM")


def _in_words(data: dict[str, object]) -> tuple[str, str]:
    """Return the subject and the text of a mail about a file."""
    path = data["file_path"]
    if data["status"] == FileStatus.FAILED.value:
        subject = f"Not imported: {path}"
    elif data["status"] == FileStatus.IMPORTED_WITH_ERRORS.value:
        subject = f"Imported with errors: {path}"
    else:
        subject = f"Imported: {path}"
    shown = (
        ("File", path),
        ("Size", f"{data['size_bytes']} bytes"),
        ("Rows in the table", data["rows_imported"]),
        ("Import", data["import_id"]),
        ("What went wrong", data["error"]),
    )
    return subject, "".join(f"{name}: {value}\n" for name, value in shown if value is not None)
