"""Mounts: places of files under paths of a tenant's own."""

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.base import FileStore
from headrace_server.connectors.mounts.places import checked
from headrace_server.core.pages import decode_token, page_of
from headrace_server.core.recent import RecentlyRead
from headrace_server.core.storage.kept_stores import KeptStores
from headrace_server.core.storage.paths import LONGEST_MOUNT, ancestors, below, normal_path
from headrace_server.core.vault import SecretKeyError, Vault, WrongSecretError
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import mounts as mount_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.mounts import StoredMount
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    StorageUnavailableError,
    WrongStateError,
)
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.storage import FileInfo, Mount, Place
from headrace_server.model.tenant import Principal

#: mounts that a tenant may have
MOST_MOUNTS = 1000

#: seconds that the places of a list get to say what room is left
_SPACE_SECONDS = 3.0
#: how long what a place said of its room is told again
_TRUST_SECONDS = 30.0
_MOST_TRUSTED = 10_000
_RETRY_AFTER = 60.0
_FIELD = re.compile(r"storage_type|endpoint_url|region|port|credentials\.[a-z_]+")


@dataclass(frozen=True, slots=True)
class MountedPlace:
    """A mount and the room that is left there."""

    mount: Mount
    #: None where the place cannot tell, or did not in time
    free_bytes: int | None


class Mounts:
    """Mounts of all tenants, and the way to what they hold."""

    def __init__(
        self,
        store: ControlStore,
        vault: Callable[[], Vault],
        open_: Callable[[Place], FileStore],
        clock: Callable[[], datetime],
    ) -> None:
        """Take the vault, opened when the first credentials are sealed, and what opens a place.

        The one raises SecretKeyError, the other ConnectorError for a place that can never be.
        """
        self._store = store
        self._vault = vault
        self._open = open_
        self._clock = clock
        self._stores = KeptStores()
        self._space = RecentlyRead[int](_TRUST_SECONDS, _MOST_TRUSTED)

    async def mount(self, caller: Principal, local_path: str, place: Place) -> MountedPlace:
        """Mount a place that answers, instead of the one at the same path.

        Raises InvalidFieldError, StorageUnavailableError where the place does not answer,
        QuotaExceededError, and WrongStateError where the server has no key for credentials.
        """
        path = normal_path(local_path, "local_path")
        if len(path) > LONGEST_MOUNT:
            raise InvalidFieldError.of("local_path", f"may have {LONGEST_MOUNT} characters")
        try:
            place = checked(place)
            free_bytes = await self._try(place)
        except TemporaryError as error:
            raise StorageUnavailableError(str(error)) from error
        except ConnectorError as error:
            raise refusal(error) from error
        async with self._store.begin() as connection:
            await file_rows.lock(connection, caller.tenant_id)
            mount_id = await self._id_at(connection, caller.tenant_id, path)
            kept = replace(place, credentials={})
            mount = Mount(mount_id, caller.tenant_id, path, kept, self._clock())
            await mount_rows.put(connection, self._sealed(mount, place))
        await self._stores.drop(mount_id)
        return MountedPlace(mount, free_bytes)

    async def _try(self, place: Place) -> int | None:
        store = self._open(place)
        try:
            await store.check()
            return await store.free_bytes()
        finally:
            await store.close()

    async def _id_at(self, connection: Connection, tenant_id: str, path: str) -> str:
        """Return the id of the mount to be replaced, or a new one."""
        before = await mount_rows.at(connection, tenant_id, [path])
        if before is not None:
            return before.mount.mount_id
        if len(await mount_rows.paths(connection, tenant_id)) >= MOST_MOUNTS:
            raise QuotaExceededError(
                f"{MOST_MOUNTS} places are mounted; take one away that is not needed",
                limit="mounts",
                retry_after=_RETRY_AFTER,
            )
        return str(uuid.uuid4())

    def _sealed(self, mount: Mount, place: Place) -> StoredMount:
        if not place.credentials:
            return StoredMount(mount, None, None)
        secret = json.dumps(dict(place.credentials)).encode()
        try:
            return StoredMount(mount, *self._vault().seal(secret, owner_of(mount)))
        except SecretKeyError as error:
            raise WrongStateError(f"credentials cannot be kept: {error}") from error

    async def list(self, caller: Principal, page: PageRequest) -> Page[MountedPlace]:
        """Return a page of the mounts, by path. Raises InvalidFieldError."""
        (after,) = decode_token(page.token, str) if page.token else ("",)
        async with self._store.read() as connection:
            rows = await mount_rows.page(connection, caller.tenant_id, str(after), page.limit + 1)
        listed = page_of(rows, page.limit, lambda last: [last.mount.local_path])
        spaces = await self._spaces(listed.items)
        places = zip(listed.items, spaces, strict=True)
        return Page(
            tuple(MountedPlace(each.mount, space) for each, space in places), listed.next_token
        )

    async def _spaces(self, mounts: Sequence[StoredMount]) -> Sequence[int | None]:
        """Ask places that answered when they were last asked; None where one takes too long."""
        asked = [asyncio.create_task(self._space_of(each)) for each in mounts]
        if asked:
            await asyncio.wait(asked, timeout=_SPACE_SECONDS)
        for task in asked:
            task.cancel()
        found = await asyncio.gather(*asked, return_exceptions=True)
        return [each if isinstance(each, int) else None for each in found]

    async def _space_of(self, stored: StoredMount) -> int | None:
        if stored.mount.error is not None:
            return None

        async def ask() -> int | None:
            async with self._use(stored) as store:
                return await store.free_bytes()

        return await self._space.get(f"{stored.mount.mount_id}@{stored.mount.mounted_at}", ask)

    async def unmount(self, caller: Principal, mount_id: str) -> None:
        """Take a mount away with its credentials.

        Raises NotFoundError, and WrongStateError while a folder of it is watched.
        """
        tenant_id = caller.tenant_id
        async with self._store.begin() as connection:
            await file_rows.lock(connection, tenant_id)
            mount = await mount_rows.find(connection, tenant_id, mount_id)
            if mount is None:
                raise NotFoundError("mount", mount_id)
            await _refuse_watched(connection, mount)
            await mount_rows.delete(connection, tenant_id, mount_id)
        await self._stores.drop(mount_id)

    @asynccontextmanager
    async def at(
        self, tenant_id: str, path: str, field: str = "file_path"
    ) -> AsyncIterator[tuple[FileStore, str]]:
        """Give the store that holds a path, and the path below its place.

        Of two mounts that hold it the longer one does. `field` is named where the path is no
        path. Raises NotFoundError where no mount holds it, InvalidFieldError, ConnectorError.
        """
        path = normal_path(path, field)
        stored = await self._find(tenant_id, path)
        if stored is None:
            raise NotFoundError(
                "mount", path, "not found: no mount holds this path; mount its place first"
            )
        async with self._use(stored) as store:
            yield store, below(path, stored.mount.local_path)

    async def holds(self, tenant_id: str, path: str) -> bool:
        """Whether a mount holds a path."""
        return await self._find(tenant_id, path) is not None

    async def _find(self, tenant_id: str, path: str) -> StoredMount | None:
        async with self._store.read() as connection:
            return await mount_rows.at(connection, tenant_id, ancestors(path))

    async def stat(self, tenant_id: str, path: str) -> FileInfo:
        """Return what a file's place says of it.

        Raises NotFoundError where it is not there, or below no mount, StorageUnavailableError
        where its place does not answer, InvalidFieldError.
        """
        with in_words(path):
            async with self.at(tenant_id, path) as (store, inner):
                return await store.stat(inner)

    async def close_idle(self) -> None:
        """Close places that nobody used for long."""
        await self._stores.close_idle()

    async def close(self) -> None:
        """Close every place."""
        await self._stores.close()

    @asynccontextmanager
    async def _use(self, stored: StoredMount) -> AsyncIterator[FileStore]:
        mount = stored.mount
        use = self._stores.use(mount.mount_id, mount.mounted_at, lambda: self._opened(stored))
        async with use as store:
            try:
                yield store
            except TemporaryError:
                await self._ask(mount, store)
                raise
            if mount.error is not None:
                await self._note(mount, None)

    def _opened(self, stored: StoredMount) -> FileStore:
        place = stored.mount.place
        if stored.key_id is not None and stored.credentials is not None:
            try:
                secret = self._vault().open(
                    stored.key_id, stored.credentials, owner_of(stored.mount)
                )
            except (SecretKeyError, WrongSecretError) as error:
                raise ConnectorError(str(error)) from error
            place = replace(place, credentials=json.loads(secret))
        return self._open(place)

    async def _ask(self, mount: Mount, store: FileStore) -> None:
        """Tell whether it is the place that does not answer, or only one file cannot be read."""
        try:
            await store.check()
        except ConnectorError as error:
            await self._note(mount, str(error))

    async def _note(self, mount: Mount, error: str | None) -> None:
        if error != mount.error:
            async with self._store.begin() as connection:
                await mount_rows.set_error(connection, mount, error)


@contextmanager
def in_words(path: str, field: str = "file_path", kind: str = "file") -> Iterator[None]:
    """Raise for the caller what a place says of a file or folder, whose path came in a field."""
    try:
        yield
    except MissingError as error:
        raise NotFoundError(kind, path) from error
    except TemporaryError as error:
        raise StorageUnavailableError(str(error)) from error
    except ConnectorError as error:
        raise InvalidFieldError.of(field, str(error)) from error


def refusal(error: ConnectorError) -> InvalidFieldError:
    """Return the error of a place that can never be mounted; its words may begin with the field."""
    field, parted, words = str(error).partition(": ")
    if not parted or not _FIELD.fullmatch(field):
        return InvalidFieldError.of("network_path", str(error).removeprefix("network_path "))
    return InvalidFieldError.of(field, words)


def owner_of(mount: Mount) -> str:
    """Whom credentials are sealed for: those of one mount open no other."""
    return f"{mount.tenant_id}/{mount.mount_id}"


async def _refuse_watched(connection: Connection, mount: Mount) -> None:
    others = set(await mount_rows.paths(connection, mount.tenant_id))
    for folder in await watch_rows.folders(connection, mount.tenant_id):
        holder = next((each for each in ancestors(folder) if each in others), None)
        if holder == mount.local_path:
            raise WrongStateError(
                f"the folder {folder} of it is watched: stop that watch first", folder_path=folder
            )
