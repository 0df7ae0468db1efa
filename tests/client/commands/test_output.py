import re

import pytest

from headrace_client.commands.output import Output


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
