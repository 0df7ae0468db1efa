"""Any program as the function of a worker: a file in, a file or its standard output back."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

from headrace_client.held_job import Job, Result

#: bytes of a text that goes with the result itself
_SENT_BYTES = 1 << 20
#: bytes of standard error that a failed attempt tells, from its end
_TOLD_BYTES = 2_000
_PLACES = ("{input}", "{output}", "{job_id}", "{content_type}")


class ProgramError(Exception):
    """A program that did not convert the job."""

    def __str__(self) -> str:
        return " ".join(map(str, self.args))


class Program:
    """A command line that converts a job; no shell reads it.

    `{input}` stands for the downloaded source, `{output}` for the file that is read back; without
    `{output}` the content is what the program prints. `{job_id}` and `{content_type}` are filled in
    too, and the environment has the options of the job as JSON in HEADRACE_TASK_OPTIONS.
    """

    def __init__(self, command: str) -> None:
        """Raise ValueError for a command that cannot be split, or reads no input."""
        self._words = shlex.split(command)
        if not any("{input}" in word for word in self._words[1:]):
            raise ValueError("the command needs {input} as an argument")
        self._writes_file = any("{output}" in word for word in self._words)

    @property
    def name(self) -> str:
        """The program's name or path, as it stands in the command."""
        return self._words[0]

    @property
    def is_here(self) -> bool:
        """Whether this machine has such a program, by PATH or by its own path."""
        return shutil.which(self.name) is not None

    async def convert(self, job: Job) -> Result:
        """Convert a job. Raises ProgramError, and what the download raises."""
        with tempfile.TemporaryDirectory(prefix="headrace-job-") as folder:
            source, output, errors = (Path(folder, n) for n in ("input", "output", "errors"))
            await job.download(source)
            printed = Path(folder, "printed")
            places = (str(source), str(output), job.job_id, job.content_type)
            status = await self._run(places, job, printed, errors)
            if status:
                raise ProgramError(_failure(self.name, status, errors))
            return await self._result(job, output if self._writes_file else printed)

    async def _result(self, job: Job, path: Path) -> Result:
        """Return what the program wrote; what is large, or no text, is uploaded."""
        text = await asyncio.to_thread(_short_text, path)
        if text is None:
            return Result(upload_token=await job.upload(path))
        return Result(text)

    async def _run(self, places: tuple[str, ...], job: Job, printed: Path, errors: Path) -> int:
        words = [_filled(word, places) for word in self._words]
        with printed.open("wb") as stdout, errors.open("wb") as stderr:
            try:
                process = await asyncio.create_subprocess_exec(
                    *words,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env={**os.environ, "HEADRACE_TASK_OPTIONS": json.dumps(job.options)},
                    start_new_session=True,  # Ctrl-C drains the worker, and does not reach it
                )
            except OSError as error:
                raise ProgramError(f"{words[0]} cannot be run: {error.strerror}") from None
        try:
            return await process.wait()
        finally:
            with suppress(ProcessLookupError):  # also what it has started
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


def _filled(word: str, values: tuple[str, ...]) -> str:
    for place, value in zip(_PLACES, values, strict=True):
        word = word.replace(place, value)
    return word


def _failure(name: str, status: int, errors: Path) -> str:
    ended = f"status {status}" if status > 0 else signal.Signals(-status).name
    told = errors.read_bytes()[-_TOLD_BYTES:].decode(errors="replace").strip()
    return f"{name} ended with {ended}" + (f": {told}" if told else "")


def _short_text(path: Path) -> str | None:
    """Return a text that is short enough to go with the result; None for anything else."""
    if not path.exists():
        raise ProgramError("the program wrote no {output}")
    if path.stat().st_size > _SENT_BYTES:
        return None
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        return None
