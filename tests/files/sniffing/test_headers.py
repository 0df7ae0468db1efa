import pytest

from headrace_server.files.sniffing.findings import Dialect
from headrace_server.files.sniffing.headers import sniff_layout, usual_width
from headrace_server.files.sniffing.records import Record, records


def _records(text: str) -> list[Record]:
    return records(text, Dialect(",", '"'))


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("id,name\n1,Ada\n2,Grace\n", True),
        ("1,Ada\n2,Grace\n", False),
        ("name,city\nAda,London\nGrace,New York\n", True),
        ("Ada,London\nGrace,London\nEdsger,London\nAda,London\n", False),
        ("code,country\nDE,Germany\nFR,France\nIT,Italy\n", True),
        ("DE,Germany\nFR,France\nIT,Italy\nES,Spain\n", False),
        ("Year,2000,2001,2002\nIron,5,6,7\nCoal,1,2,3\n", True),
        ("id,100022,100025\na,TRUE,FALSE\nb,TRUE,TRUE\n", True),
        ("id,name,price\n", True),
        ("7,Ada,2.5\n", False),
        ("a,b\n", True),
        ("Go there!,Stop.\n", False),
    ],
)
def test_headers(text: str, header: bool) -> None:
    found = sniff_layout(_records(text)).has_header
    assert found.value is header
    assert found.confidence >= 0.5


def test_titles_stand_above_the_table() -> None:
    layout = sniff_layout(_records("Report of 2024,,\n,,\nid,name,price\n1,Ada,2\n2,Bob,3\n"))
    assert (layout.start, layout.names, layout.body) == (2, ["id", "name", "price"], 3)


def test_a_note_of_another_width_stands_above_the_table() -> None:
    layout = sniff_layout(_records("made on Monday, May 1, 2024\nid,name\n1,Ada\n2,Bob\n3,Eve\n"))
    assert (layout.start, layout.names) == (1, ["id", "name"])


def test_units_stand_below_the_names() -> None:
    layout = sniff_layout(_records("depth,speed\nm,m/s\n1,2.5\n2,3.5\n3,4.5\n"))
    assert (layout.names, layout.body) == (["depth", "speed"], 2)


def test_names_that_repeat_take_their_groups() -> None:
    layout = sniff_layout(_records("north,,south,\nx,y,x,y\n1,2,3,4\n5,6,7,8\n"))
    assert layout.names == ["north x", "north y", "south x", "south y"]


def test_what_is_given_is_taken() -> None:
    found = _records("id,name\n1,Ada\n")
    assert sniff_layout(found, has_header=False).body == 0
    assert sniff_layout(found, has_header=True, start=1).names == ["1", "Ada"]
    assert sniff_layout([], has_header=True).body == 0


def test_of_equally_common_widths_the_wider_is_usual() -> None:
    assert usual_width(_records("a,b\na,b,c\n")) == 3
