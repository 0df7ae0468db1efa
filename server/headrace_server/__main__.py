"""The `headrace-server` command.

Nothing is imported until it runs: every parsing process imports its parent's main module, and would
pay for all of the server with a second and a hundred megabytes.
"""

import gc
import os
import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command."""
    # What grpc's core has to say comes to us as errors too, in words of ours.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Keep the collector from looking too often, and off what lives as long as the process.
    gc.set_threshold(50_000, 20, 50)
    try:
        from headrace_server.commands import commands  # noqa: PLC0415  # see above

        gc.freeze()
        commands()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
