import os

import pytest

from headrace_server.connectors.base import MissingError
from headrace_server.connectors.mounts.paths import parts_of, real, shown


@pytest.mark.parametrize(
    "name", ["a.csv", "\N{SNOWMAN} ü.csv", "line\nbreak\t.csv", os.fsdecode(b"caf\xe9.csv"), "\x7f"]
)
def test_every_name_is_shown_as_text_and_found_by_it(name: str) -> None:
    text = shown(name)
    assert text.encode("utf-8").decode("utf-8") == text
    assert all(letter >= " " and letter != "\x7f" for letter in text)
    assert real(text) == name


def test_parts() -> None:
    assert parts_of("") == []
    assert parts_of("a/b c.csv") == ["a", "b c.csv"]
    assert parts_of(shown("a/caf\udce9")) == ["a", "caf\udce9"]


@pytest.mark.parametrize("path", ["/a", "a/", "a//b", ".", "a/..", "../a", "a\0b", "/"])
def test_what_is_no_path_is_missing(path: str) -> None:
    with pytest.raises(MissingError, match="no such file or folder"):
        parts_of(path)
