"""Exact decimals: JSON number tokens and plain texts in, plain digits out."""

import re

_PLAIN = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")
_NUMBER = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
#: digits that any decimal may have; nothing that fits needs an exponent beyond its token's length
#: plus that
MOST_DIGITS = 1000


class DoesNotFitError(ValueError):
    """The number has more digits than the column's precision and scale allow."""


def decimal_digits(token: str, precision: int, scale: int, *, exponent: bool) -> str:
    """Write the number in plain digits, exactly; zeros beyond the scale are dropped.

    A precision of 0 takes MOST_DIGITS, on either side of the point. Raises DoesNotFitError where
    digits would be lost, ValueError where it is no decimal number.
    """
    found = (_NUMBER if exponent else _PLAIN).fullmatch(token)
    if found is None:
        raise ValueError(token)
    sign, whole, fraction = found[1], found[2], found[3] or ""
    if exponent and found[4]:
        whole, fraction = _shifted(whole, fraction, found[4])
    if precision == 0:
        precision, scale = MOST_DIGITS, min(len(fraction), MOST_DIGITS)
    if len(fraction) > scale:
        if fraction[scale:].strip("0"):
            raise DoesNotFitError(token)
        fraction = fraction[:scale]
    if len(whole) > precision - scale and whole != "0":
        raise DoesNotFitError(token)
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def _shifted(whole: str, fraction: str, exponent_text: str) -> tuple[str, str]:
    """Move the point by the exponent."""
    digits = whole + fraction
    if not digits.strip("0"):
        return "0", ""
    exponent_text = exponent_text.lstrip("+")
    if len(exponent_text.lstrip("-").lstrip("0")) > len(str(MOST_DIGITS + len(digits))):
        raise DoesNotFitError(exponent_text)
    exponent = int(exponent_text)
    if abs(exponent) > MOST_DIGITS + len(digits):
        raise DoesNotFitError(exponent_text)
    point = len(whole) + exponent
    digits = "0" * (1 - point) + digits if point < 1 else digits.ljust(point, "0")
    point = max(point, 1)
    return digits[:point].lstrip("0") or "0", digits[point:]
