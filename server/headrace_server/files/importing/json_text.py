"""Values of Python as JSON text that keeps every digit."""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal


def json_text(value: object) -> str:
    """Write a value as JSON.

    Decimals are numbers with all their digits, moments texts of ISO 8601, bytes hexadecimal text,
    and numbers that JSON does not know their names.
    """
    if value is None or isinstance(value, bool | str | int):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float | Decimal):
        return str(value) if math.isfinite(value) else json.dumps(str(value))
    if isinstance(value, Mapping):
        pairs = (
            f"{json.dumps(str(key), ensure_ascii=False)}:{json_text(each)}"
            for key, each in value.items()
        )
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(json_text, value))}]"
    return json.dumps(_text_of(value), ensure_ascii=False)


def _text_of(value: object) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)
