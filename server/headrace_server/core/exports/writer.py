"""The process that writes a file, as the one who feeds it sees it.

Writing is heavy: in a process of its own it holds up neither the event loop nor other queries, and
it can be ended at any moment.
"""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from headrace_server.files.exporting.messages import FilePlan, Finish, Message
from headrace_server.files.exporting.writing import write_in_process
from headrace_server.model.errors import HeadraceError, StorageUnavailableError
from headrace_server.model.export import Written

_CLOSE_SECONDS = 5


class Writer:
    """Hands messages on. It waits while the process is behind, so that little is in memory."""

    def __init__(self, process: BaseProcess, pipe: Connection) -> None:
        self._process = process
        self._pipe = pipe
        # A thread of its own: a message that is waiting holds up no others.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="export")

    async def send(self, message: Message) -> None:
        """Hand a message on. Raises what `finish` does."""
        try:
            await self._run(self._pipe.send, message)
        except OSError:
            # The process is gone, or about to be: it says why.
            await self._answer()

    async def finish(self) -> Written:
        """Have the file finished.

        Raises StorageUnavailableError where the disk refuses it or the process was killed, and what
        the format refuses: TooLargeError and InvalidFieldError.
        """
        await self.send(Finish())
        return await self._answer()

    async def _answer(self) -> Written:
        try:
            answer = await self._run(self._pipe.recv)
        except (EOFError, OSError) as error:
            raise StorageUnavailableError("the process that wrote the file has died") from error
        if isinstance(answer, HeadraceError):
            raise answer
        written: Written = answer
        return written

    async def _run(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    def close(self) -> None:
        """End the process, whatever it does. Blocking: call it off the loop."""
        self._process.kill()
        self._process.join(_CLOSE_SECONDS)
        self._thread.shutdown(wait=True)
        self._pipe.close()
        with suppress(ValueError):
            self._process.close()


@asynccontextmanager
async def writing(plan: FilePlan) -> AsyncIterator[Writer]:
    """Start a process that writes a file; it is ended with the block."""
    writer = await asyncio.to_thread(_start, plan)
    try:
        yield writer
    finally:
        await asyncio.shield(asyncio.to_thread(writer.close))


def _start(plan: FilePlan) -> Writer:
    # Spawned, never forked: grpc.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=write_in_process, args=(plan, theirs), daemon=True)
    process.start()
    theirs.close()
    return Writer(process, ours)
