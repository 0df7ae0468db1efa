import pytest

from headrace_server.files.sniffing.comments import blank_comments, sniff_comment


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("# note\na,b\n1,2\n", "#"),
        ("// note\na,b\n1,2\n", "//"),
        ("a,b\n1,2\n", None),
        ("#1,a\n#2,b\n", None),
        ("# a\nb\n", None),
    ],
)
def test_marks(text: str, mark: str | None) -> None:
    assert sniff_comment(text) == mark


def test_other_lines_keep_their_numbers() -> None:
    assert blank_comments("#x\r\na#\r\n#y\nb", "#") == "\r\na#\r\n\nb"
    assert blank_comments("#x\n", None) == "#x\n"
