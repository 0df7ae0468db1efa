"""Previews of files that come with a call, and of files below the allowed folders."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.filesystem import FileConnector
from headrace_server.connectors.threads import BoundedThreads
from headrace_server.core.limits import GIB, MIB
from headrace_server.core.storage.mounts import Mounts, in_words
from headrace_server.files.bodies import whole
from headrace_server.files.disk import on_disk
from headrace_server.files.formats import plain_file_name
from headrace_server.files.multipart import PartBegin, PartData, boundary_of, parts
from headrace_server.files.previewing.previews import preview
from headrace_server.files.previewing.request import OpenedFile, PreviewRequest
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    StorageUnavailableError,
    TooLargeError,
)
from headrace_server.model.preview import Preview
from headrace_server.model.tenant import Principal

#: bytes of a file that comes with a call, and of all such at once
MOST_FILE_BYTES = 256 * MIB
MOST_HELD_BYTES = 4 * GIB
#: characters of an option in a form, and how many options
_MOST_OPTION_BYTES = 1024
_MOST_OPTIONS = 32
_SECONDS = 60
_AT_ONCE = 2
FILE = "file"


@dataclass(slots=True)
class Arrived:
    """A file that came with a call, on disk as long as the call lasts."""

    file: BinaryIO
    size: int = 0
    #: as the form says; empty where it does not
    file_name: str = ""
    #: the options of the form
    options: dict[str, str] = field(default_factory=dict)
    #: whether a file has begun
    begun: bool = False


class Previews:
    """Shows what files hold, a few at a time."""

    def __init__(self, mounts: Mounts, folders: FileConnector, folder: Path) -> None:
        """Know the allowed folders, and a folder of our own for files that do not stay."""
        self._mounts = mounts
        self._folders = folders
        self._folder = folder
        self._threads = BoundedThreads(_AT_ONCE, _SECONDS)
        self._held = 0

    async def of_path(self, caller: Principal, path: str, request: PreviewRequest) -> Preview:
        """Preview a file of a mount, or below an allowed folder where no mount holds its path.

        Raises InvalidFieldError and its kind, NotFoundError, TooLargeError and
        StorageUnavailableError.
        """
        if not path.startswith("/"):
            raise InvalidFieldError.of("file_path", "must be an absolute path")

        if not await self._mounts.holds(caller.tenant_id, path):
            return await self._run(lambda: self._show(self._open(Path(path)), request))
        with in_words(path):
            async with self._mounts.at(caller.tenant_id, path) as (store, inner):
                return await self._run(lambda: self._show(store.open(inner), request))

    def _show(self, opened: AbstractContextManager[BinaryIO], request: PreviewRequest) -> Preview:
        self._folder.mkdir(parents=True, exist_ok=True)
        with opened as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            return preview(OpenedFile(file, size), request, self._folder)

    def _open(self, path: Path) -> BinaryIO:
        try:
            return self._folders.open(path)
        except ConnectorError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise NotFoundError("file", str(path)) from error
            raise InvalidFieldError.of("file_path", str(error)) from error

    async def of_arrived(
        self, arrived: Arrived, request: PreviewRequest, whole_size: int | None = None
    ) -> Preview:
        """Preview a file that came with a call, or the beginning of one of `whole_size` bytes.

        Raises what `of_path` raises.
        """
        if whole_size is not None and whole_size < arrived.size:
            raise InvalidFieldError.of("whole_size_bytes", "must not be less than what arrived")
        opened = OpenedFile(arrived.file, whole_size or arrived.size, arrived.size)
        return await self._run(lambda: preview(opened, request, self._folder))

    async def _run(self, show: Callable[[], Preview]) -> Preview:
        try:
            return await self._threads.run(show)
        except TimeoutError as error:
            raise StorageUnavailableError(
                f"the preview took longer than {_SECONDS} s: ask for a smaller sample_bytes"
            ) from error

    @asynccontextmanager
    async def arrived(
        self, content_type: str, body: AsyncIterator[bytes], total: int | None
    ) -> AsyncIterator[Arrived]:
        """Take a file in, raw or in a form, and drop it at the end.

        Raises InvalidFieldError for a form without a file, with two, or with other parts,
        TooLargeError, WrongLengthError, QuotaExceededError and StorageUnavailableError.
        """
        boundary = boundary_of(content_type)
        with on_disk("keeping a file for its preview"):
            file = await asyncio.to_thread(self._temporary)
        arrived = Arrived(file)
        try:
            body = whole(body, total)
            if boundary is None:
                async for data in body:
                    await self._write(arrived, data)
            else:
                await self._take_form(arrived, body, boundary)
            yield arrived
        finally:
            self._held -= arrived.size
            await asyncio.to_thread(file.close)

    def _temporary(self) -> BinaryIO:
        self._folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryFile(dir=self._folder)

    async def _take_form(
        self, arrived: Arrived, body: AsyncIterator[bytes], boundary: bytes
    ) -> None:
        option = ""
        async for event in parts(body, boundary):
            if isinstance(event, PartBegin):
                option = _begin(arrived, event)
            elif isinstance(event, PartData):
                if option:
                    _extend(arrived, option, event.data)
                else:
                    await self._write(arrived, event.data)
        if not arrived.begun:
            raise InvalidFieldError.of("body", f"the form holds no part {FILE!r}")

    async def _write(self, arrived: Arrived, data: bytes) -> None:
        if arrived.size + len(data) > MOST_FILE_BYTES:
            limit = str(MOST_FILE_BYTES)
            raise TooLargeError(
                f"a file that comes with the call may have {limit} bytes: preview it by its path, "
                "or send its first part",
                limit=limit,
            )
        if self._held + len(data) > MOST_HELD_BYTES:
            raise QuotaExceededError(
                "too many files are being previewed", limit=str(MOST_HELD_BYTES), retry_after=5
            )
        self._held += len(data)
        arrived.size += len(data)
        with on_disk("keeping a file for its preview"):
            await asyncio.to_thread(arrived.file.write, data)


def _begin(arrived: Arrived, part: PartBegin) -> str:
    """Return the option that a part is; empty where it is the file."""
    if part.name != FILE and part.file_name is None:
        if len(arrived.options) >= _MOST_OPTIONS:
            raise InvalidFieldError.of("body", "the form has too many parts")
        arrived.options[part.name] = ""
        return part.name
    if part.name != FILE:
        raise InvalidFieldError.of(f"body.{part.name}", f"the file must be the part {FILE!r}")
    if arrived.begun:
        raise InvalidFieldError.of("body.file", "one file is previewed at a time")
    arrived.begun = True
    arrived.file_name = plain_file_name(part.file_name) if part.file_name else ""
    return ""


def _extend(arrived: Arrived, option: str, data: bytes) -> None:
    try:
        text = arrived.options[option] + data.decode()
    except UnicodeDecodeError as error:
        raise InvalidFieldError.of(option, "must be text in UTF-8") from error
    if len(text) > _MOST_OPTION_BYTES:
        raise InvalidFieldError.of(option, f"must not exceed {_MOST_OPTION_BYTES} characters")
    arrived.options[option] = text
