"""How deep values of JSON may be nested."""

#: levels of objects and lists in what messages show; each takes up to three of the hundred levels
#: of messages that clients decode
MAX_DEPTH = 30


def is_deeper(value: object, levels: int) -> bool:
    """Whether a value of JSON has more levels of objects and lists."""
    if isinstance(value, dict):
        return levels == 0 or any(is_deeper(each, levels - 1) for each in value.values())
    if isinstance(value, list):
        return levels == 0 or any(is_deeper(each, levels - 1) for each in value)
    return False
