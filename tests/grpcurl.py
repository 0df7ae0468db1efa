"""grpcurl, a caller that is none of ours, for the tests of reflection; a plugin of conftest.py."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_SOURCE = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4"


@dataclass(frozen=True)
class _Build:
    """Go, at work on grpcurl."""

    folder: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def begin(cls, go: str) -> "_Build":
        folder = Path(tempfile.mkdtemp(prefix="headrace-go-"))
        command = ["nice", "-n", "10", go, "install", _SOURCE]
        return cls(folder, subprocess.Popen(command, env={**os.environ, "GOBIN": str(folder)}))

    def program(self) -> str | None:
        """Wait for the end; the path of grpcurl, None where it could not be built."""
        return None if self.process.wait() else str(self.folder / "grpcurl")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


_begun: pytest.StashKey[_Build] = pytest.StashKey()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have Go begin at once, in what time others leave: it may take minutes.

    One process does so; what it has compiled by then, Go keeps for the others too.
    """
    wanted = any("grpcurl" in getattr(item, "fixturenames", ()) for item in session.items)
    first = os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0"
    go = shutil.which("go")
    if wanted and first and go and not shutil.which("grpcurl"):
        session.config.stash[_begun] = _Build.begin(go)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what Go has not done."""
    if begun := config.stash.get(_begun, None):
        begun.end()


@pytest.fixture(scope="session")
def grpcurl(pytestconfig: pytest.Config) -> Iterator[str | None]:
    """Path of grpcurl: the one installed, else one that Go builds, else None."""
    installed, go = shutil.which("grpcurl"), shutil.which("go")
    if installed or not go:
        yield installed
    elif begun := pytestconfig.stash.get(_begun, None):
        yield begun.program()
    else:
        build = _Build.begin(go)
        yield build.program()
        build.end()
