"""The verdict against one value, and how values are shown in it."""

import re
from json import dumps

from headrace_server.model.rows import RejectReason

_SHOWN_CHARACTERS = 60
_SURROGATE = re.compile("[\ud800-\udfff]")


class ValueFault(Exception):  # noqa: N818  # a verdict on a row, not a failure of ours
    """The value is not one of its column. `reason` and `message` go into the reject."""

    def __init__(self, reason: RejectReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def shown(raw: str) -> str:
    """Shorten a value's JSON text for a message, free of what PostgreSQL cannot store."""
    if len(raw) > _SHOWN_CHARACTERS:
        raw = f"{raw[:_SHOWN_CHARACTERS]}... ({len(raw)} characters)"
    return storable(raw)


def storable(text: str) -> str:
    """Replace NUL and lone surrogates by their escapes."""
    text = text.replace("\0", "\\x00")
    return _SURROGATE.sub(lambda found: dumps(found[0])[1:-1], text)
