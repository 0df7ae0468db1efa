import pytest

from headrace_server.files.sniffing.dialects import sniff_dialect
from headrace_server.files.sniffing.findings import Dialect


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("a,b;c\n1,2;3\n4,5;6;7\n", Dialect(",", None)),
        ("a;b\n1,2;3\n4,5;6,7\n", Dialect(";", None)),
        ("id;value\n1;3,4,5\n2;6,7,8\n3;9,10,11\n", Dialect(";", None)),
        ("1\t218     500e-9\n2\t217     500e-9\n", Dialect("\t", None)),
        ("'Argentina',   'ar'\n'Bahamas',   'bs'\n", Dialect(",", "'")),
        ('a|"b|c"\n1|"d"\n', Dialect("|", '"')),
        ('1;"say \\"x\\" now"\n2;"b"\n', Dialect(";", '"', "\\")),
        ("one line of words\nand another of more words\nthird\n", Dialect(None, None)),
        ("foo\n1\n2\n", Dialect(None, None)),
        ('"a, b"\n"c"\n', Dialect(None, '"')),
        ("10:00;Ada\n11:00;Bob\n", Dialect(";", None)),
        ("", Dialect(None, None)),
    ],
)
def test_dialects(text: str, dialect: Dialect) -> None:
    assert sniff_dialect(text).value == dialect


def test_quotes_within_words_are_no_quotes() -> None:
    text = "id,said\n1,it's fine\n2,don't\n3,o'clock\n"
    assert sniff_dialect(text).value.quote is None


def test_confidence_falls_with_a_rival() -> None:
    clear = sniff_dialect("a,b\n1,2\n3,4\n")
    rivals = sniff_dialect("a,b;c\n1,2;3\n")
    assert rivals.confidence < clear.confidence <= 1


def test_what_is_given_stays() -> None:
    found = sniff_dialect('a,b;"c"\n1,2;"3"\n', delimiter=";", quote="'", escape="\\")
    assert (found.value.delimiter, found.confidence) == (";", 1.0)
    assert sniff_dialect('a;"b"\n', quote='"').value.quote == '"'
