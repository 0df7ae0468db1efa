"""Which files of a directory are loaded, as what, and in which order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.v1.contract_pb2 import Contract

# Of the files that the server loads; a README beside the folders of tenants is none.
_DATA_SUFFIXES = {".ndjson", ".jsonl"}

Parents = Mapping[str, frozenset[str]]
"""Each data type with the data types that it refers to, itself left out."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to load."""

    #: where it is
    path: Path
    #: table that it holds
    data_type: str
    #: files of a stage refer to files of lower stages only; from 1
    stage: int
    #: bytes
    size: int
    #: time of the last change, in nanoseconds
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The files of one tenant, in the order they are loaded."""

    #: tenant that an admin key acts for; None: the key's own
    tenant_id: str | None
    #: by stage, data type and name
    files: tuple[PlannedFile, ...]
    #: files that no contract declares a table for
    skipped: tuple[Path, ...]
    #: each data type with all that it refers to, directly or not
    ancestors: Parents


def parents_of(contracts: Iterable[Contract]) -> Parents:
    """Read the references of all tables."""
    return {
        table.name: frozenset(reference.table for reference in table.references) - {table.name}
        for contract in contracts
        for table in contract.tables
    }


def ancestors_of(parents: Parents) -> Parents:
    """Return each data type with all that it refers to, directly or through others."""
    return {data_type: _reach(data_type, parents) - {data_type} for data_type in parents}


def _reach(data_type: str, parents: Parents) -> frozenset[str]:
    seen: set[str] = set()
    ahead = [data_type]
    while ahead:
        new = parents.get(ahead.pop(), frozenset()) - seen
        seen |= new
        ahead.extend(new)
    return frozenset(seen)


def stage_of(data_type: str, ancestors: Parents) -> int:
    """Return 1 for a data type that refers to nothing, else one more than its parents' highest."""
    above = [a for a in ancestors[data_type] if data_type not in ancestors.get(a, ())]
    return 1 + max((stage_of(a, ancestors) for a in above if a in ancestors), default=0)


def data_type_of(file_name: str, known: Iterable[str]) -> str | None:
    """Read the data type off a file name: the longest that it begins with; None for none."""
    name = file_name.lower()
    fitting = (
        data_type
        for data_type in known
        if name.startswith(data_type) and name[len(data_type) : len(data_type) + 1] in "_-."
    )
    return max(fitting, key=len, default=None)


def tenant_folders(data_dir: Path, tenant_id: str | None) -> list[tuple[str | None, Path]]:
    """Return the folders to load with the tenant of each.

    `data_dir` itself where files lie in it, else `data_dir/<tenant>/` for each folder with files;
    with `tenant_id` its own folder where there is one. Raises OSError.
    """
    if tenant_id is not None:
        own = data_dir / tenant_id
        return [(tenant_id, own if own.is_dir() else data_dir)]
    seen = sorted(path for path in data_dir.iterdir() if not path.name.startswith("."))
    folders = [path for path in seen if path.is_dir() and any(map(_may_be_data, path.iterdir()))]
    if not folders or any(_may_be_data(path) for path in seen):
        return [(None, data_dir)]
    return [(folder.name, folder) for folder in folders]


def _may_be_data(path: Path) -> bool:
    return path.is_file() and any(suffix in _DATA_SUFFIXES for suffix in path.suffixes)


def make_plan(folder: Path, contracts: Iterable[Contract], tenant_id: str | None) -> Plan:
    """Plan the files of a folder, without its sub-folders. Raises OSError."""
    parents = parents_of(contracts)
    ancestors = ancestors_of(parents)
    files, skipped = [], []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        data_type = data_type_of(path.name, parents)
        if data_type is None:
            skipped.append(path)
        else:
            stat = path.stat()
            stage = stage_of(data_type, ancestors)
            files.append(PlannedFile(path, data_type, stage, stat.st_size, stat.st_mtime_ns))
    files.sort(key=lambda file: (file.stage, file.data_type, file.path.name))
    return Plan(tenant_id, tuple(files), tuple(skipped), ancestors)
