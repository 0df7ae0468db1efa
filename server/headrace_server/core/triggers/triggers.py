"""Triggers as their callers keep them."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from headrace_server.core.pages import page_of, position_of
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.storage.watches import FolderWatches
from headrace_server.core.triggers.outcomes import Outcomes
from headrace_server.core.triggers.secrets import MOST_LIVE, WebhookSecrets, live
from headrace_server.core.triggers.settings import check, check_parameters
from headrace_server.db import pipelines as pipeline_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db import trigger_secrets as secret_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.triggers import TRIGGER
from headrace_server.db.wakeups import STORED_FILES, Wakeups
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    WrongStateError,
)
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.pipeline import Pipeline
from headrace_server.model.tenant import Principal
from headrace_server.model.trigger import (
    NewTrigger,
    OnResume,
    Trigger,
    TriggerSettings,
    TriggerStatus,
    TriggerType,
)

#: triggers that a tenant may have
MOST_TRIGGERS = 20_000
_RETRY_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class ShownTrigger:
    """A trigger as it is answered."""

    trigger: Trigger
    #: secrets that are taken now
    live_secrets: int
    #: a secret that was just made; None otherwise
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class TriggersPage:
    """One page of a list of triggers."""

    page: Page[ShownTrigger]
    #: triggers on all pages
    total: int


class Triggers:
    """A tenant's triggers. Methods that name one raise NotFoundError for any other's."""

    def __init__(
        self,
        store: ControlStore,
        wakeups: Wakeups,
        schedules: Schedules,
        outcomes: Outcomes,
        secrets: WebhookSecrets,
        folder_watches: FolderWatches,
    ) -> None:
        self._store = store
        self._wakeups = wakeups
        self._schedules = schedules
        self._outcomes = outcomes
        self._secrets = secrets
        self._folder_watches = folder_watches

    async def create(self, caller: Principal, new: NewTrigger) -> ShownTrigger:
        """Create a trigger; that of a webhook is answered with its secret.

        Raises InvalidFieldError, NotFoundError for the pipeline or the folder, QuotaExceededError,
        and WrongStateError where the server has no key for a secret.
        """
        check(new.type, new.settings)
        tenant_id = caller.tenant_id
        trigger_id = f"trigger_{uuid.uuid4().hex}"
        await self._pipeline(tenant_id, new.pipeline_id, new.settings)
        revision = await self._files_revision(tenant_id)
        watch_id = await self._watch(caller, new.settings)
        secret, sealed = None, []
        if new.type is TriggerType.WEBHOOK:
            secret, one = self._secrets.make(tenant_id, trigger_id, new.webhook_auth)
            sealed = [one]
        async with self._store.begin() as connection:
            await self._refuse_too_many(connection, tenant_id)
            if await pipeline_rows.share(connection, tenant_id, new.pipeline_id) is None:
                raise NotFoundError("pipeline", new.pipeline_id)
            now = await self._schedules.now(connection)
            trigger = replace(
                _made(trigger_id, tenant_id, new, now), watch_id=watch_id, files_revision=revision
            )
            await trigger_rows.insert(connection, trigger, sealed)
            if new.enabled:
                await self._outcomes.schedule(connection, trigger, None)
            made = await self._shown(connection, tenant_id, trigger_id, secret)
        self._announce()
        return made

    async def validate(self, caller: Principal, new: NewTrigger) -> ShownTrigger:
        """Return the trigger that would be made, without an id.

        Raises InvalidFieldError; what belongs to its pipeline or folder is not looked at.
        """
        check(new.type, new.settings)
        async with self._store.read() as connection:
            now = await self._schedules.now(connection)
        return ShownTrigger(_made("", caller.tenant_id, new, now), 0)

    async def _pipeline(
        self, tenant_id: str, pipeline_id: str, settings: TriggerSettings
    ) -> Pipeline:
        async with self._store.read() as connection:
            pipeline = await pipeline_rows.find(connection, tenant_id, pipeline_id)
        if pipeline is None:
            raise NotFoundError("pipeline", pipeline_id)
        check_parameters(pipeline.definition.parameters, settings.parameters)
        return pipeline

    async def _files_revision(self, tenant_id: str) -> int:
        async with self._store.read() as connection:
            return await file_rows.revision_of(connection, tenant_id)

    async def _watch(self, caller: Principal, settings: TriggerSettings) -> str | None:
        if not settings.folder_path:
            return None
        return (await self._folder_watches.ensure(caller, settings.folder_path)).watch_id

    async def _refuse_too_many(self, connection: Connection, tenant_id: str) -> None:
        if await trigger_rows.count(connection, tenant_id) >= MOST_TRIGGERS:
            raise QuotaExceededError(
                f"there are {MOST_TRIGGERS} triggers; delete one that is not needed",
                limit="triggers",
                retry_after=_RETRY_AFTER,
            )

    async def update(
        self, caller: Principal, trigger_id: str, settings: TriggerSettings
    ) -> ShownTrigger:
        """Replace the settings of a trigger. Raises as `create` does."""
        before = (await self.get(caller, trigger_id)).trigger
        check(before.type, settings)
        await self._pipeline(caller.tenant_id, before.pipeline_id, settings)
        watch_id = await self._watch(caller, settings)
        async with self._store.begin() as connection:
            held = await self._lock(connection, caller, trigger_id)
            await trigger_rows.change_settings(connection, trigger_id, settings, watch_id)
            timing = (settings.schedule, settings.policy)
            changed = (held.settings.schedule, held.settings.policy) != timing
            if changed and held.status is TriggerStatus.ACTIVE:
                await self._outcomes.reschedule(connection, held, settings)
            shown = await self._shown(connection, caller.tenant_id, trigger_id)
        self._announce()
        return shown

    async def get(self, caller: Principal, trigger_id: str) -> ShownTrigger:
        """Return a trigger as it stands."""
        async with self._store.read() as connection:
            return await self._shown(connection, caller.tenant_id, trigger_id)

    async def list(self, caller: Principal, pipeline_id: str, page: PageRequest) -> TriggersPage:
        """Return a page of the triggers, newest first. Raises InvalidFieldError."""
        after = position_of(page.token)
        async with self._store.read() as connection:
            tenant_id = caller.tenant_id
            rows = await trigger_rows.page(
                connection, tenant_id, pipeline_id, after, page.limit + 1
            )
            total = await trigger_rows.count(connection, tenant_id, pipeline_id)
            now = await self._schedules.now(connection)
            found = page_of(rows, page.limit, lambda t: [t.created_at.isoformat(), t.trigger_id])
            shown = [await self._with_secrets(connection, each, now) for each in found.items]
        return TriggersPage(Page(tuple(shown), found.next_token), total)

    async def pause(self, caller: Principal, trigger_id: str) -> ShownTrigger:
        """Have a trigger start nothing until it is resumed; twice changes nothing."""
        async with self._store.begin() as connection:
            trigger = await self._lock(connection, caller, trigger_id)
            now = await self._schedules.now(connection)
            await self._outcomes.pause(connection, trigger, now, "somebody paused it")
            return await self._shown(connection, caller.tenant_id, trigger_id)

    async def resume(
        self, caller: Principal, trigger_id: str, on_resume: OnResume | None
    ) -> ShownTrigger:
        """Have a paused trigger go on, as it says or as is asked for; twice changes nothing."""
        async with self._store.begin() as connection:
            trigger = await self._lock(connection, caller, trigger_id)
            if trigger.status is TriggerStatus.PAUSED:
                await self._resume(connection, trigger, on_resume or trigger.settings.on_resume)
            shown = await self._shown(connection, caller.tenant_id, trigger_id)
        self._announce()
        return shown

    async def _resume(self, connection: Connection, trigger: Trigger, how: OnResume) -> None:
        since = trigger.paused_at if how is OnResume.MAKE_UP else None
        if how is OnResume.CONTINUE and trigger.type is TriggerType.FILE:
            revision = await file_rows.revision_of(connection, trigger.tenant_id)
            await trigger_rows.update(connection, trigger.trigger_id, files_revision=revision)
        await self._outcomes.resume(connection, trigger, since)

    async def delete(self, caller: Principal, trigger_id: str) -> None:
        """Delete a trigger and its history; its runs go on."""
        async with self._store.begin() as connection:
            await self._delete(connection, caller.tenant_id, trigger_id)

    async def _delete(self, connection: Connection, tenant_id: str, trigger_id: str) -> None:
        await self._schedules.clear(connection, tenant_id, TRIGGER, trigger_id)
        if not await trigger_rows.delete(connection, tenant_id, trigger_id):
            raise NotFoundError("trigger", trigger_id)

    async def guard_deletion(
        self, connection: Connection, pipeline: Pipeline, force: bool
    ) -> Iterable[str]:
        """Refuse to delete a pipeline with active triggers; else they are deleted with it."""
        found = await trigger_rows.of_pipeline(connection, pipeline.tenant_id, pipeline.pipeline_id)
        active = [each for each, status in found if status is TriggerStatus.ACTIVE]
        if active and not force:
            raise WrongStateError(
                f"{len(active)} triggers of the pipeline are active: pause or delete them, or"
                " force it"
            )
        for trigger_id, _ in found:
            await self._delete(connection, pipeline.tenant_id, trigger_id)
        return ()

    async def rotate_secret(
        self, caller: Principal, trigger_id: str, keep: timedelta
    ) -> ShownTrigger:
        """Make a new secret; the one before it is taken for some time still.

        Raises InvalidFieldError where the trigger is no webhook.
        """
        async with self._store.begin() as connection:
            trigger = await self._lock(connection, caller, trigger_id)
            if trigger.webhook_auth is None:
                raise InvalidFieldError.of("trigger_id", "must name the trigger of a webhook")
            now = await self._schedules.now(connection)
            secret, sealed = self._secrets.make(caller.tenant_id, trigger_id, trigger.webhook_auth)
            stored = live(await secret_rows.secrets_of(connection, trigger_id), now)
            kept = [
                replace(each, expires_at=min(each.expires_at or now + keep, now + keep))
                for each in stored[: MOST_LIVE - 1]
            ]
            await secret_rows.set_secrets(connection, trigger_id, [sealed, *live(kept, now)])
            return await self._shown(connection, caller.tenant_id, trigger_id, secret)

    async def _lock(self, connection: Connection, caller: Principal, trigger_id: str) -> Trigger:
        found = await self._outcomes.lock(connection, caller.tenant_id, trigger_id)
        if found is None:
            raise NotFoundError("trigger", trigger_id)
        return found

    async def _shown(
        self,
        connection: Connection,
        tenant_id: str,
        trigger_id: str,
        secret: str | None = None,
    ) -> ShownTrigger:
        found = await trigger_rows.find(connection, tenant_id, trigger_id)
        if found is None:
            raise NotFoundError("trigger", trigger_id)
        now = await self._schedules.now(connection)
        return await self._with_secrets(connection, found, now, secret)

    async def _with_secrets(
        self, connection: Connection, trigger: Trigger, now: datetime, secret: str | None = None
    ) -> ShownTrigger:
        if trigger.webhook_auth is None:
            return ShownTrigger(trigger, 0)
        stored = await secret_rows.secrets_of(connection, trigger.trigger_id)
        return ShownTrigger(trigger, len(live(stored, now)), secret)

    def _announce(self) -> None:
        self._schedules.announce()
        self._wakeups.notify(STORED_FILES)


def _made(trigger_id: str, tenant_id: str, new: NewTrigger, now: datetime) -> Trigger:
    return Trigger(
        trigger_id=trigger_id,
        tenant_id=tenant_id,
        pipeline_id=new.pipeline_id,
        type=new.type,
        settings=new.settings,
        status=TriggerStatus.ACTIVE if new.enabled else TriggerStatus.PAUSED,
        created_at=now,
        webhook_auth=new.webhook_auth if new.type is TriggerType.WEBHOOK else None,
        paused_at=None if new.enabled else now,
        pause_reason=None if new.enabled else "it was created so",
    )
