from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from headrace_client.__main__ import app

if TYPE_CHECKING:
    from client.fake.server import FakeServer


@pytest.fixture
def run(
    server: "FakeServer", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Runs `headrace` with the given words against the server."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def invoke(*args: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Result:
        environment = {"HEADRACE_ADDRESS": server.address, "NO_COLOR": "1", **(env or {})}
        result = CliRunner().invoke(
            app, list(args), input=stdin, env=environment, prog_name="headrace"
        )
        assert "Traceback" not in result.output
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("order_items_1", "orders_1", "products_1", "customers_1"):
        (folder / f"{name}.ndjson").write_text(f'{{"name": "{name}"}}\n' * 5)
    (folder / "SOURCE.md").write_text("where it is from")
    return folder
