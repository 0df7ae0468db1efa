"""Counts of rows in words: there may be one."""


def rows_text(count: int) -> str:
    """Return "1 row" or "2 rows"."""
    return "1 row" if count == 1 else f"{count:,} rows"


def all_rejected_text(count: int) -> str:
    """Say that a file or a table gave nothing but rejects."""
    return "its only row was rejected" if count == 1 else f"all {count:,} rows were rejected"


def left_out_texts(rejected: int, parked: int) -> list[str]:
    """Say, where there are any, how many rows were rejected and how many wait for a parent."""
    said = []
    if rejected:
        said.append(f"{rows_text(rejected)} {'is' if rejected == 1 else 'are'} rejected")
    if parked:
        said.append(f"{rows_text(parked)} {'waits' if parked == 1 else 'wait'} for a parent")
    return said


def truncated_text(asked: int, there: int | None) -> str:
    """Say that fewer rows were asked for than there are; None where nobody counted those."""
    more = "more" if there is None else f"{there:,}"
    return f"only {rows_text(asked)} {'was' if asked == 1 else 'were'} asked for; there are {more}"
