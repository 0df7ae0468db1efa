"""Quotes around names and strings."""


def quoted(text: str, mark: str) -> str:
    """A name or a string in its quotes."""
    return mark + text.replace(mark, mark * 2) + mark
