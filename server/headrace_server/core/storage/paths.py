"""Paths of a tenant's own: absolute, parted by single slashes."""

from headrace_server.model.errors import InvalidFieldError

#: characters of a mount's path at most
LONGEST_MOUNT = 255


def normal_path(path: str, field: str) -> str:
    """Return a path without a slash at its end. Raises InvalidFieldError, which names the field."""
    inner = path[1:].removesuffix("/")
    parts = inner.split("/")
    if not path.startswith("/") or not inner:
        raise InvalidFieldError.of(field, "must be an absolute path below /, such as /mnt/share")
    if "" in parts or "." in parts or ".." in parts:
        raise InvalidFieldError.of(field, "must hold no '//' and no part '.' or '..'")
    return f"/{inner}"


def ancestors(path: str) -> list[str]:
    """Return the paths at which a mount would hold a path, longest first."""
    found = []
    while path:
        if len(path) <= LONGEST_MOUNT:
            found.append(path)
        path = path.rpartition("/")[0]
    return found


def below(path: str, folder: str) -> str:
    """Return what of a normal path lies below a folder that holds it; "" for the folder itself."""
    return path[len(folder) :].removeprefix("/")
