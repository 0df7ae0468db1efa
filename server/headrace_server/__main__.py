"""The `headrace-server` command.

Nothing is imported until it runs: every parsing process imports its parent's main module, and would
pay for all of the server with a second and a hundred megabytes.
"""


def main() -> None:
    """Run the command."""
    from headrace_server.commands import commands  # noqa: PLC0415  # see above

    commands()


if __name__ == "__main__":
    main()
