import re

import pytest

from headrace_client.commands.output import Output, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (3e9, "3.0 GB"),
     (4e12, "4.0 TB")],
)  # fmt: skip
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (60, ["id           count  note", "an-id-of-10      7  some note"]),
        (20, ["id           count", "an-id-of-10      7"]),
        (9, ["id    an-id-of-10", "count 7", "note  some note", ""]),
    ],
)
def test_no_width_breaks_a_cell(
    width: int, lines: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for name, value in {"TTY_COMPATIBLE": "1", "COLUMNS": str(width), "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    rows = [("an-id-of-10", "7", "some note")]
    Output(json=False).table(("id", ">count", "note"), rows, spare=("note",))
    out = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert [line.rstrip() for line in out.splitlines()] == lines
