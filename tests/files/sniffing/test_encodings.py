import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.files.sniffing.encodings import check_encoding, decode, sniff_encoding
from headrace_server.model.errors import InvalidFieldError

POLISH = "województwo;miasto\ndolnośląskie;Głogów\nśląskie;Świętochłowice\nłódzkie;Łódź\n" * 3
JAPANESE = "名前,住所\n山田太郎,東京都千代田区\n鈴木一郎,大阪府大阪市\n" * 3
FRENCH = "nom;ville\nHélène;Besançon\nFrançois;Nîmes — côté sud\n" * 3


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (POLISH, "cp1250"),
        (JAPANESE, "shift_jis"),
        (FRENCH, "cp1252"),
        (FRENCH, "utf-8"),
        (FRENCH, "utf-8-sig"),
        (FRENCH, "utf-16"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "utf-16-be"),
        (FRENCH, "utf-32"),
        ("plain;ascii\n", "ascii"),
    ],
)
def test_the_same_text_comes_out(text: str, encoding: str) -> None:
    sample = text.encode(encoding)
    assert decode(sample, sniff_encoding(sample).value) == text


@given(st.text(max_size=60), st.integers(0, 3))
def test_utf_8_is_proven_also_where_it_is_cut(text: str, cut: int) -> None:
    sample = text.encode("utf-8", "ignore").replace(b"\0", b"")
    sample = sample[: len(sample) - cut]
    found = sniff_encoding(sample)
    if sample[:2] not in {b"\xff\xfe", b"\xfe\xff"} and not sample.startswith(b"\xef\xbb\xbf"):
        assert (found.value, found.confidence) == ("utf-8", 1.0)


@given(st.binary(max_size=200))
def test_any_bytes_have_an_encoding_that_exists(sample: bytes) -> None:
    found = sniff_encoding(sample)
    check_encoding(found.value)
    assert 0 <= found.confidence <= 1
    assert isinstance(decode(sample, found.value), str)


def test_what_cannot_be_decoded_shows() -> None:
    assert decode(b"a\xffb", "utf-8") == "a\ufffdb"


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", "utf-8\0"])
def test_only_encodings_of_text_are_known(name: str) -> None:
    with pytest.raises(InvalidFieldError) as error:
        check_encoding(name)
    assert error.value.violations[0].field == "encoding"
