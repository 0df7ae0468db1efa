"""What the columns of a file are called in a table."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.importing.names import table_names


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["Order ID", "Preis (€)", "a.b-c"], ["order_id", "preis", "a_b_c"]),
        (["2010", "²", "!?"], ["_2010", "_²", "_"]),
        (["Größe", "名前"], ["größe", "名前"]),
        (["A b", "a_b", "a-b"], ["a_b", "a_b_2", "a_b_3"]),
        (["a", "a_2", "a"], ["a", "a_2", "a_3"]),
        (["_rescued", "ctid", "headrace_line"], ["__rescued", "_ctid", "_headrace_line"]),
    ],
)
def test_names_are_in_snake_case_each_once_and_none_reserved(
    sources: list[str], names: list[str]
) -> None:
    assert table_names(sources) == names


def test_names_too_long_are_cut_between_characters_and_told_apart() -> None:
    first, second, short = table_names(["é" * 80, "é" * 80, "short"])
    assert len(first.encode()) <= 63
    assert second == f"{first}_2"
    assert short == "short"


def test_names_give_way_to_those_that_are_taken() -> None:
    assert table_names(["A", "a_2", "b"], taken=["a", "a_2"]) == ["a_3", "a_2_2", "b"]


@settings(deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=12),
    st.lists(st.text(min_size=1, max_size=80), max_size=4),
)
def test_all_names_are_unique_and_short_enough(sources: list[str], others: list[str]) -> None:
    taken = table_names(others)
    names = table_names(sources, taken)
    assert len({*taken, *names}) == len(taken) + len(sources)
    for name in names:
        assert 0 < len(name.encode()) <= 63
        assert name == name.lower() or not name.isascii()
        assert not name[0].isdigit()
        assert name.replace("_", "a").isalnum()
