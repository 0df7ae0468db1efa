"""How places are written: of which kind one is, and what each kind takes."""

import re
from dataclasses import replace

from headrace_server.connectors.base import ConnectorError
from headrace_server.model.storage import Place, StorageType

_HOST = r"(?P<host>[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])"
_FOLDER = r"(?P<folder>(/[^/]+)*)"
_SHARE = re.compile(rf"//{_HOST}/(?P<share>[^/:]+){_FOLDER}")
_EXPORT = re.compile(rf"{_HOST}:(?P<export>/.*)")
_BUCKET = re.compile(rf"(?P<scheme>[a-z0-9]+)://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]*){_FOLDER}")

#: schemes of URLs, each with the one it is kept as
_SCHEMES = {
    "smb": "//",
    "nfs": "nfs",
    "file": "",
    "s3": "s3",
    "s3a": "s3",
    "gs": "gs",
    "gcs": "gs",
    "abfs": "abfs",
    "abfss": "abfs",
    "az": "abfs",
}
_TYPES = {"s3": StorageType.S3, "gs": StorageType.GCS, "abfs": StorageType.AZURE}
_KNOWN = (
    '"//host/share/folder" (SMB), "host:/export" (NFS), "s3://bucket/folder", "gs://bucket/folder",'
    ' "abfs://container/folder" (AZURE), or "/folder" of the server (LOCAL)'
)
#: what fsspec's stores read as a pattern, a query, a version or a store within another
_FORBIDDEN = re.compile(r"[%?#*\[\]\\]|::")
#: the credentials that each kind takes
_CREDENTIALS = {
    StorageType.SMB: {"username", "password", "domain"},
    StorageType.NFS: set[str](),
    StorageType.S3: {
        "username",
        "password",
        "access_key_id",
        "secret_access_key",
        "session_token",
    },
    StorageType.GCS: {"service_account"},
    StorageType.AZURE: {"account_name", "account_key", "sas_token"},
    StorageType.LOCAL: set[str](),
}
_REMOTE = {StorageType.S3, StorageType.GCS, StorageType.AZURE}


def storage_type_of(network_path: str) -> StorageType:
    """Return the kind of a place. Raises ConnectorError with the forms that are known."""
    path = _plain(network_path)
    if _SHARE.fullmatch(path):
        return StorageType.SMB
    if path.startswith("/") and not path.startswith("//"):
        return StorageType.LOCAL
    if "://" in path:
        found = _BUCKET.fullmatch(path)
        if found and found["scheme"] in _TYPES:
            return _TYPES[found["scheme"]]
    elif _EXPORT.fullmatch(path):
        return StorageType.NFS
    raise ConnectorError(f"network_path must look like {_KNOWN}")


def checked(place: Place) -> Place:
    """Return the place as it is kept, with its network_path in the one form that its kind has.

    Raises ConnectorError that names the field and says what would be right.
    """
    path = _plain(place.network_path)
    kind = storage_type_of(path)
    if kind is not place.storage_type:
        raise ConnectorError(
            f"storage_type: {place.network_path} is {kind.value}, not {place.storage_type.value}"
        )
    if kind in _REMOTE and _FORBIDDEN.search(path):
        raise ConnectorError(r"network_path must hold no :: and none of %?#*[]\ ")
    _check_fields(place)
    return replace(place, network_path=path)


def _plain(network_path: str) -> str:
    """Return a path without other spellings: slashes of one kind, schemes in lower case."""
    path = network_path.replace("\\", "/") if network_path.startswith("\\\\") else network_path
    scheme, parted, rest = path.partition("://")
    if parted and scheme.lower() in _SCHEMES:
        path = _of_scheme(_SCHEMES[scheme.lower()], rest)
    if "@" in (_host_of(path) or ""):
        raise ConnectorError("network_path must hold no user, password or account: use credentials")
    if any(part in {".", ".."} for part in path.split("/")) or _has_gap(path):
        raise ConnectorError("network_path must hold no . or .. and no empty part between slashes")
    return path if path == "/" or path.endswith(":/") else path.rstrip("/")


def _of_scheme(scheme: str, rest: str) -> str:
    if scheme == "nfs":
        host, _, export = rest.partition("/")
        return f"{host}:/{export}"
    return f"{scheme}{rest}" if scheme in {"", "//"} else f"{scheme}://{rest}"


def _host_of(path: str) -> str | None:
    """Return what stands where a host or bucket does."""
    if path.startswith("/") and not path.startswith("//"):
        return None
    return path.partition("://")[2].partition("/")[0] or path.removeprefix("//").partition("/")[0]


def _has_gap(path: str) -> bool:
    start = path.partition("://")[2] or path.removeprefix("/")
    return "//" in start.rstrip("/").removeprefix("/")


def _check_fields(place: Place) -> None:
    kind = place.storage_type
    takes = _CREDENTIALS[kind]
    unknown = sorted(place.credentials.keys() - takes)
    if unknown:
        known = f"takes {', '.join(sorted(takes))}" if takes else "takes none"
        raise ConnectorError(f"credentials.{unknown[0]}: {kind.value} {known}")
    if place.endpoint_url and kind not in _REMOTE:
        raise ConnectorError(f"endpoint_url: {kind.value} takes none")
    if place.region and kind is not StorageType.S3:
        raise ConnectorError(f"region: {kind.value} takes none")
    if place.port and kind is not StorageType.SMB:
        raise ConnectorError(f"port: {kind.value} takes none")


def share_of(network_path: str) -> tuple[str, str, str]:
    """Split a share's path into host, share and the folder in it, with slashes between."""
    found = _SHARE.fullmatch(network_path)
    if found is None:
        raise ConnectorError('network_path must look like "//host/share/folder"')
    return found["host"].strip("[]"), found["share"], found["folder"].strip("/")


def export_of(network_path: str) -> tuple[str, str]:
    """Split an export's path into host and export."""
    found = _EXPORT.fullmatch(network_path)
    if found is None:
        raise ConnectorError('network_path must look like "host:/export"')
    return found["host"].strip("[]"), found["export"]


def bucket_of(network_path: str) -> tuple[str, str]:
    """Split a bucket's URL into bucket and the folder in it, with slashes between."""
    found = _BUCKET.fullmatch(network_path)
    if found is None:
        raise ConnectorError('network_path must look like "s3://bucket/folder"')
    return found["bucket"], found["folder"].strip("/")
