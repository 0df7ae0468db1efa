"""Paths below a place, as a store has them and as tenants see them."""

from headrace_server.connectors.base import MissingError

# Names that are no UTF-8, and control characters, cannot be sent or typed. As Cygwin does it, each
# such byte is shown as a character for private use, which no honest name has, and found by that.
_SHOWN = {
    **{0xDC00 + byte: 0xF700 + byte for byte in range(0x80, 0x100)},
    **{byte: 0xF000 + byte for byte in (*range(1, 0x20), 0x7F)},
}
_REAL = {shown: real for real, shown in _SHOWN.items()}


def shown(name: str) -> str:
    """Return a name or path of a store as tenants see it; any text can hold that."""
    return name.translate(_SHOWN)


def real(name: str) -> str:
    """Return a name or path as its store has it."""
    return name.translate(_REAL)


def parts_of(path: str) -> list[str]:
    """Return the names in a path, none for "". Raises MissingError where it can be no path."""
    parts = real(path).split("/") if path else []
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise MissingError(f"{path}: no such file or folder")
    return parts
