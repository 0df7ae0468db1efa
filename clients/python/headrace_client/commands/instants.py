"""Moments, as typed."""

from datetime import datetime

import typer


def parse_instant(text: str) -> datetime:
    """Read a day or a moment in ISO 8601, of the local time zone where it names none.

    Raises typer.BadParameter.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no moment such as 2026-03-02 or 2026-03-02T06:00:00+01:00"
        ) from None
    return found if found.tzinfo else found.astimezone()
