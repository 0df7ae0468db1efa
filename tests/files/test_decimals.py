from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.files.decimals import DoesNotFitError, decimal_digits

TOKEN = st.from_regex(
    r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)


@given(token=TOKEN, precision=st.integers(1, 30), data=st.data())
def test_a_number_is_carried_exactly_or_refused(
    token: str, precision: int, data: st.DataObject
) -> None:
    scale = data.draw(st.integers(0, precision))
    with localcontext(prec=400):
        exact = Decimal(token)
        step = Decimal(1).scaleb(-scale)
        fits = exact % step == 0 and abs(exact) < Decimal(10) ** (precision - scale)
        try:
            digits = decimal_digits(token, precision, scale, exponent=True)
        except DoesNotFitError:
            assert not fits
        else:
            assert fits
            assert Decimal(digits) == exact
            assert set(digits) <= set("-.0123456789")
            assert len(digits.partition(".")[2]) <= scale


@given(token=TOKEN)
def test_texts_are_plain_decimals_without_exponent(token: str) -> None:
    if "e" in token.lower():
        with pytest.raises(ValueError, match=r".") as caught:
            decimal_digits(token, 40, 20, exponent=False)
        assert not isinstance(caught.value, DoesNotFitError)
    else:
        assert decimal_digits(token, 40, 20, exponent=False) == token


@pytest.mark.parametrize("token", ["1e99999999999999999999", "1e-99999999999999999999", "9e1002"])
def test_vast_exponents_cost_nothing(token: str) -> None:
    with pytest.raises(DoesNotFitError):
        decimal_digits(token, 1000, 0, exponent=True)


def test_zero_has_any_exponent() -> None:
    assert decimal_digits("-0.00e99999999999999999999", 1, 0, exponent=True) == "-0"


def test_leading_zeros_of_an_exponent_count_for_nothing() -> None:
    assert decimal_digits("1e+0000000000000000000000002", 3, 0, exponent=True) == "100"
