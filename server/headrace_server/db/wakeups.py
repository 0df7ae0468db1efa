"""Wake-ups: hints that something changed. Losing one costs latency, never truth.

Whoever waits reads the store after each wait, woken or not. Within one process a hint is passed on
at once; on PostgreSQL it also reaches the other processes, by LISTEN and NOTIFY.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import asyncpg
import structlog

from headrace_server.db.engine import parse_url

#: topic of jobs that can be claimed
JOBS = "jobs"
#: topic of keys and tenants that changed
API_KEYS = "api_keys"
#: topic of tables that rows came into
LOADED_TABLES = "loaded_tables"
#: topic of imports that ended
IMPORTS = "imports"
#: topic of folder watches that began, changed or ended
FOLDER_WATCHES = "folder_watches"
#: topic of datamarts that were created, refreshed or dropped
DATAMARTS = "datamarts"
#: topic of schedules that were set
SCHEDULES = "schedules"
#: topic of files of watched folders that changed, of all tenants
STORED_FILES = "stored_files"
#: topic of runs of pipelines that ended
RUN_ENDS = "run_ends"
#: topic of runs whose steps began or ended
RUNS = "runs"

_CHANNEL = "headrace"
_COALESCING_SECONDS = 0.003
# Each costs the database as much as a small transaction: under load they go out in larger lots.
_PACE_SECONDS = 0.03
_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 10.0
_CONNECT_SECONDS = 10
_NOTIFY = "SELECT pg_notify($1, topic) FROM unnest($2::text[]) AS topic"

_log = structlog.get_logger(__name__)


def ingestion_topic(request_id: str) -> str:
    """Topic of an ingestion's changes."""
    return f"ingestion:{request_id}"


def job_topic(job_id: str) -> str:
    """Topic of what its worker must hear at once, such as that the job was cancelled."""
    return f"job:{job_id}"


def waiting_topic(tenant_id: str, kind: str) -> str:
    """Topic of a tenant's jobs of a kind that can be claimed over the network."""
    return f"waiting:{tenant_id}:{kind}"


def readiness_topic(tenant_id: str) -> str:
    """Topic of changes of a tenant's datasets."""
    return f"readiness:{tenant_id}"


def run_topic(run_id: str) -> str:
    """Topic of changes of a run."""
    return f"run:{run_id}"


def storage_topic(tenant_id: str) -> str:
    """Topic of changes of the files in a tenant's watched folders."""
    return f"storage:{tenant_id}"


class Subscription:
    """Remembers one wake-up until it is waited for."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let the present wait, or the next one, return."""
        self._woken.set()

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109  # running out is an answer
        """Wait at most `timeout` seconds; whether it was woken since the last wait."""
        try:
            async with asyncio.timeout(timeout):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True


class _Callback(Subscription):
    """Passes each wake-up on at once."""

    def __init__(self, callback: Callable[[], None]) -> None:
        super().__init__()
        self._callback = callback

    def wake(self) -> None:
        self._callback()


class Wakeups:
    """The wake-ups of one process; enough on SQLite."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, set[Subscription]] = {}

    async def start(self) -> None:
        """Begin to listen to other processes."""

    async def close(self) -> None:
        """Stop listening; what was notified before is still sent where that is possible."""

    def notify(self, topic: str) -> None:
        """Say that something changed; call it after the commit."""
        self._wake(topic)

    @contextlib.asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[Subscription]:
        """Hear of the topics from now on; nothing is lost between this and `wait`."""
        subscription = Subscription()
        for topic in topics:
            self._subscriptions.setdefault(topic, set()).add(subscription)
        try:
            yield subscription
        finally:
            for topic in topics:
                self._leave(topic, subscription)

    def _leave(self, topic: str, subscription: Subscription) -> None:
        remaining = self._subscriptions.get(topic, set())
        remaining.discard(subscription)
        if not remaining:
            self._subscriptions.pop(topic, None)

    def call_back(self, topic: str, callback: Callable[[], None]) -> None:
        """Call `callback` at each wake-up from now on, before anybody's wait returns."""
        self._subscriptions.setdefault(topic, set()).add(_Callback(callback))

    def _wake(self, topic: str) -> None:
        for subscription in self._subscriptions.get(topic, ()):
            subscription.wake()

    def _wake_everyone(self) -> None:
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.wake()


class PostgresWakeups(Wakeups):
    """Wake-ups among all processes on one PostgreSQL, over two connections outside the pool."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._pending: set[str] = set()
        self._something_pending = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        # Backend that our own notifications come from: they were passed on already.
        self._own_backend = 0
        self._listening = asyncio.Event()
        self._closing = False

    async def start(self) -> None:
        """Connect both ways; returns once it listens, or goes on trying in the background."""
        self._tasks = [
            asyncio.create_task(self._keep_listening(), name="wakeups-listen"),
            asyncio.create_task(self._keep_notifying(), name="wakeups-notify"),
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._listening.wait()

    async def close(self) -> None:
        """Send what is pending and disconnect."""
        self._closing = True
        self._something_pending.set()
        if self._tasks:
            listening, notifying = self._tasks
            await asyncio.wait([notifying], timeout=1)
            listening.cancel()
            notifying.cancel()
            await asyncio.gather(listening, notifying, return_exceptions=True)
        self._tasks = []

    def notify(self, topic: str) -> None:
        """Wake this process now and the others within a few milliseconds, under load within 30."""
        self._wake(topic)
        self._pending.add(topic)
        self._something_pending.set()

    async def _keep_listening(self) -> None:
        delay = _FIRST_RETRY_SECONDS
        while True:
            try:
                connection = await asyncpg.connect(self._url, timeout=_CONNECT_SECONDS)
            except (OSError, TimeoutError, asyncpg.PostgresError) as error:
                _log.warning("wakeups.cannot_listen", error=type(error).__name__)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LAST_RETRY_SECONDS)
                continue
            delay = _FIRST_RETRY_SECONDS
            await self._listen(connection)

    async def _listen(self, connection: asyncpg.Connection) -> None:
        """Listen until the connection is lost."""
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            await connection.add_listener(_CHANNEL, self._hear)
            self._listening.set()
            # What was notified while nobody listened is lost: everyone looks for himself.
            self._wake_everyone()
            await lost.wait()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("wakeups.listening_lost", error=type(error).__name__)
        finally:
            connection.terminate()

    def _hear(self, _connection: object, backend: int, _channel: str, topic: object) -> None:
        if backend != self._own_backend:
            self._wake(str(topic))

    async def _keep_notifying(self) -> None:
        delay = _FIRST_RETRY_SECONDS
        while not self._finished():
            try:
                connection = await asyncpg.connect(self._url, timeout=_CONNECT_SECONDS)
                delay = _FIRST_RETRY_SECONDS
                await self._send_pending(connection)
            except (
                OSError,
                TimeoutError,
                asyncpg.PostgresError,
                asyncpg.InterfaceError,
            ) as error:
                _log.warning("wakeups.cannot_notify", error=type(error).__name__)
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LAST_RETRY_SECONDS)

    def _finished(self) -> bool:
        return self._closing and not self._pending

    async def _send_pending(self, connection: asyncpg.Connection) -> None:
        """Send until closed; what could not be sent stays pending."""
        self._own_backend = connection.get_server_pid()
        next_at = 0.0
        try:
            while not self._finished():
                await self._something_pending.wait()
                now = asyncio.get_running_loop().time()
                await asyncio.sleep(max(_COALESCING_SECONDS, next_at - now))
                self._something_pending.clear()
                await self._send(connection)
                next_at = asyncio.get_running_loop().time() + _PACE_SECONDS
            await connection.close(timeout=1)
        finally:
            connection.terminate()

    async def _send(self, connection: asyncpg.Connection) -> None:
        topics, self._pending = self._pending, set()
        try:
            await connection.execute(_NOTIFY, _CHANNEL, list(topics))
        except BaseException:
            self._pending |= topics
            self._something_pending.set()
            raise


def open_wakeups(url: str) -> Wakeups:
    """The wake-ups that fit the control store of that URL; `start` them."""
    if parse_url(url).drivername == "sqlite":
        return Wakeups()
    return PostgresWakeups(url)
