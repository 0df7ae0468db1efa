"""Run as a script: becomes a program that dies with the process that started it.

Arguments: the id of that process, the program, and the program's arguments. The kernel keeps the
promise on Linux, however the process ends; elsewhere the program is only run.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the program."""
    parent, program, *arguments = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # It may have died before the kernel was told.
        if os.getppid() != int(parent):
            sys.exit(f"process {parent} has ended")
    os.execv(program, [program, *arguments])  # noqa: S606  # the caller's own words


if __name__ == "__main__":
    main()
