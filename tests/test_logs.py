import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog

from headrace_server.logs import log_to_file, set_up_logs

pytestmark = pytest.mark.usefixtures("logging_restored")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def logged(stream: io.StringIO) -> None:
    """Write one record of structlog's, one below its level, and one of the standard library's."""
    structlog.get_logger("a").info("ready", port=1)
    structlog.get_logger("a").debug("too much")
    logging.getLogger("b").warning("take care of %s", "it")
    logging.getLogger("b").info("too much")
    try:
        int("broken")
    except ValueError:
        structlog.get_logger("a").exception("fault")


def records(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("log_format", ["json", ""])
def test_json_lines_where_nobody_watches(log_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    set_up_logs(log_format)
    logged(stream)
    ready, care, fault = records(stream.getvalue())
    assert (ready["event"], ready["port"], ready["level"]) == ("ready", 1, "info")
    assert ready["timestamp"].endswith("Z")
    assert (care["event"], care["level"]) == ("take care of it", "warning")
    assert "ValueError: invalid literal" in fault["exception"]


@pytest.mark.parametrize("log_format", ["pretty", ""])
def test_pretty_on_a_terminal(log_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    set_up_logs(log_format)
    logged(stream)
    text = stream.getvalue()
    assert "ready" in text
    assert "take care of it" in text
    with pytest.raises(ValueError, match="Expecting value"):
        records(text)


def test_json_on_a_terminal_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    set_up_logs("json")
    structlog.get_logger().info("ready")
    assert records(stream.getvalue())[0]["event"] == "ready"


def test_a_file_takes_all_records(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "server.log"
    for event in ("first", "second"):
        log_to_file(file)
        structlog.get_logger().info(event)
        logging.getLogger().handlers[0].stream.close()  # type: ignore[attr-defined]  # a StreamHandler
    assert [record["event"] for record in records(file.read_text())] == ["first", "second"]
