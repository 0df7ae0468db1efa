import subprocess
import sys
from pathlib import Path

import pytest

from headrace_server.db.sole_worker import StoreInUseError, sole_worker

OTHER = """
import sys
from headrace_server.db.sole_worker import sole_worker
with sole_worker(sys.argv[1]) as alone:
    print(alone, flush=True)
    sys.stdin.read()
"""


def test_one_process_works_alone_until_it_dies(sqlite_url: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, sqlite_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        with (
            pytest.raises(StoreInUseError, match="another --data-dir"),
            sole_worker(sqlite_url),
        ):
            pass
        other.kill()
        other.wait()
    with sole_worker(sqlite_url) as alone:
        assert alone


def test_one_that_ended_leaves_the_place_to_the_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'control.sqlite'}"
    for _ in range(2):
        with sole_worker(url) as alone:
            assert alone


def test_without_locks_nobody_knows_to_be_alone(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: int) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with sole_worker(sqlite_url) as alone:
        assert not alone


def test_on_postgres_nobody_knows_to_be_alone() -> None:
    with sole_worker("postgresql://localhost/control") as alone:
        assert not alone
