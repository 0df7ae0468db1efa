"""The command `headrace-server` as a process that is forked, not begun anew.

To import the server takes longer than most of what is done to it afterwards. So each test process
has one other that has imported it, and from which the servers of its tests come.
"""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import IO

from headrace_server.__main__ import main

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["headrace_server.commands", __name__])


class ForkedServer:
    """Of a `subprocess.Popen` what tests ask of it; both outputs go into one pipe."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        reading, writing = _context.Pipe(duplex=False)
        self._process = _context.Process(target=_run, args=(arguments, dict(environ), writing))
        self._process.start()
        writing.close()
        self.stdout: IO[bytes] = os.fdopen(os.dup(reading.fileno()), "rb")
        reading.close()
        self.pid: int = self._process.pid or 0

    def poll(self) -> int | None:
        """Return the exit status, below 0 the signal that ended it; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Return the exit status. Raises TimeoutExpired."""
        self._process.join(timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired("headrace-server", timeout)
        return status


def _run(arguments: Sequence[str], environ: Mapping[str, str], output: Connection) -> None:
    os.environ.clear()
    os.environ.update(environ)
    for descriptor in (1, 2):
        os.dup2(output.fileno(), descriptor)
    output.close()
    sys.argv = ["headrace-server", *arguments]
    main()
