"""The layers of the server: who may import what."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import headrace_server

_PEERS = {"db", "files", "warehouse", "connectors"}
#: rooms, each with the others that it may import; a module outside of them may import all
_ROOMS = {
    "model": set[str](),
    **{peer: {"model"} for peer in _PEERS},
    "core": {"model", *_PEERS},
    "rpc": {"model", *_PEERS, "core"},
    "worker": {"model", *_PEERS, "core"},
}
_EDGE = {"rpc", "app", "running", "gateway", "demo", "demo_pipeline"}
#: packages, each with the rooms and modules that may import it
_PACKAGES = {
    **dict.fromkeys(("grpc", "grpc_health", "grpc_reflection", "grpc_status", "headrace"), _EDGE),
    "headrace_client": {"demo", "demo_pipeline"},
    "sqlalchemy": {"db", "warehouse"},
    "headrace_pgcopy": {"files"},
    "httpx": {"connectors"},
    "httpcore": {"connectors"},
}
_VAGUE_NAMES = {"utils", "common", "helpers", "manager"}


def _imported(path: Path, root: Path) -> Iterator[str]:
    """Yield the full name of everything that a module imports, wherever in it."""
    package = (root.name, *path.relative_to(root).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            start = ".".join([*base, node.module] if node.module else base)
            yield from (f"{start}.{alias.name}" for alias in node.names)


def _may(room: str, name: str, server: str) -> bool:
    top, *rest = name.split(".")
    if top == server:
        return room not in _ROOMS or {*rest[:1]} <= {room, *_ROOMS[room]}
    if room == "model" and top not in sys.stdlib_module_names:
        return False
    return room in _PACKAGES.get(top, {room})


def _breaches(root: Path) -> list[str]:
    """Return each import and file name below a server's folder that the layers forbid."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        place = "/".join(parts)
        if _VAGUE_NAMES & {*parts}:
            found.append(f"{place} has a vague name")
        found += [
            f"{place} imports {name}"
            for name in _imported(path, root)
            if not _may(parts[0], name, root.name)
        ]
    return found


def test_the_server_keeps_its_layers() -> None:
    assert _breaches(Path(headrace_server.__file__).parent) == []


def test_every_room_has_its_place() -> None:
    root = Path(headrace_server.__file__).parent
    rooms = {path.parent.name for path in root.glob("*/__init__.py")}
    assert rooms >= _ROOMS.keys()


@pytest.mark.parametrize(
    ("place", "line", "imports"),
    [
        ("model/a", "import msgspec", "msgspec"),
        ("model/a", "from headrace_server.db import tables", "headrace_server.db.tables"),
        ("db/a", "import headrace_server.warehouse", "headrace_server.warehouse"),
        ("files/a", "from headrace_server import db", "headrace_server.db"),
        ("warehouse/deep/a", "from ...files import spool", "headrace_server.files.spool"),
        ("warehouse/a", "from .. import files", "headrace_server.files"),
        ("core/a", "if 1:\n  from headrace_server import rpc", "headrace_server.rpc"),
        ("core/a", "def f():\n  import sqlalchemy.ext.asyncio", "sqlalchemy.ext.asyncio"),
        ("core/a", "from headrace.v1 import contract_pb2", "headrace.v1.contract_pb2"),
        ("core/a", "from headrace_server.config import Config", "headrace_server.config.Config"),
        ("worker/a", "from ..rpc.a import B", "headrace_server.rpc.a.B"),
        ("connectors/a", "from headrace_server.db import jobs", "headrace_server.db.jobs"),
        ("core/a", "import httpx", "httpx"),
        ("worker/a", "from grpc import aio", "grpc.aio"),
        ("rpc/a", "from headrace_server.worker import run", "headrace_server.worker.run"),
        ("rpc/a", "import headrace_client", "headrace_client"),
        ("rpc/a", "import sqlalchemy as sa", "sqlalchemy"),
        ("config", "import grpc", "grpc"),
        ("app", "import sqlalchemy", "sqlalchemy"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, place: str, line: str, imports: str) -> None:
    _write(tmp_path, place, f"import asyncio\n{line}\n")
    assert _breaches(tmp_path / "headrace_server") == [f"{place} imports {imports}"]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("model/a", "from headrace_server.model import errors"),
        ("db/a", "import sqlalchemy, asyncpg, headrace_server"),
        ("warehouse/a", "from ..model.errors import NotFoundError\nfrom . import merge"),
        ("core/deep/a", "from headrace_server.db.engine import ControlStore"),
        ("rpc/a", "import grpc\nfrom headrace.v1 import status_service_pb2_grpc"),
        ("app", "import grpc\nfrom headrace_server import rpc, worker, config"),
        ("demo", "import headrace_client"),
    ],
)
def test_an_allowed_import_is_not(tmp_path: Path, place: str, line: str) -> None:
    _write(tmp_path, place, line)
    assert _breaches(tmp_path / "headrace_server") == []


@pytest.mark.parametrize("place", ["core/utils", "common", "rpc/helpers/a", "worker/manager"])
def test_a_vague_name_is_found(tmp_path: Path, place: str) -> None:
    _write(tmp_path, place, "")
    assert _breaches(tmp_path / "headrace_server") == [f"{place} has a vague name"]


def _write(folder: Path, place: str, text: str) -> None:
    path = folder / "headrace_server" / f"{place}.py"
    path.parent.mkdir(parents=True)
    path.write_text(text)
