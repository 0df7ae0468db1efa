"""How often files of known dialect are understood: by ours, by DuckDB's sniffer, by CleverCSV."""

import argparse
import codecs
import csv
import io
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import clevercsv
import duckdb
from machine import say, say_machine

from headrace_server.files.sniffing.findings import Column, ColumnType
from headrace_server.files.sniffing.tables import sniff_table

PARTS = ("delimiter", "quote", "encoding", "header")
#: what a column of ours is called in the ground truth
NAMES = {
    ColumnType.FLOAT: "decimal",
    ColumnType.DATETIME: "timestamp",
}

_FEWEST_ROWS = 3
_QUOTING: tuple[Literal[0, 1, 2], ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)

Truth = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sniffer says of a file; None where it has no opinion."""

    delimiter: str | None
    quote: str | None
    #: None: it was given the text decoded
    encoding: str | None
    #: None: it failed
    header: bool | None
    columns: tuple[Column, ...] = ()


def ours(path: Path, truth: Truth) -> Answer:
    table = sniff_table(path.read_bytes())
    dialect = table.dialect.value
    return Answer(
        dialect.delimiter,
        dialect.quote,
        table.encoding.value,
        table.has_header.value,
        table.columns,
    )


def duckdb_sniffer(path: Path, truth: Truth) -> Answer:
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8", newline="") as file:
        file.write(_text(path, truth))
        file.flush()
        found = duckdb.execute(
            "SELECT Delimiter, Quote, HasHeader FROM sniff_csv(?, ignore_errors=true)", [file.name]
        ).fetchone()
    if found is None:
        raise ValueError(path)
    delimiter, quote, header = found
    return Answer(delimiter, None if quote in {"", "\0", "(empty)"} else quote, None, header)


def clever_csv(path: Path, truth: Truth) -> Answer:
    text = _text(path, truth)
    detector = clevercsv.Detector()
    dialect = detector.detect(text)
    try:
        header = detector.has_header(text)
    except (clevercsv.Error, StopIteration):
        header = None
    if dialect is None:
        return Answer(None, None, None, header)
    return Answer(dialect.delimiter or None, dialect.quotechar or None, None, header)


def _text(path: Path, truth: Truth) -> str:
    return path.read_bytes().decode(truth["encoding"]).removeprefix("\ufeff")


def judged(answer: Answer, truth: Truth) -> dict[str, bool]:
    """Return by part whether it is right; what the truth leaves open is not judged."""
    acceptable = truth.get("acceptable_delimiters") or [truth["delimiter"]]
    verdicts = {"delimiter": answer.delimiter in [each and each[0] for each in acceptable]}
    if truth["delimiter"] is None:
        # Any delimiter that leaves one column is harmless: only ours says that there is none.
        verdicts["delimiter"] = answer.delimiter is None or answer.encoding is None
    verdicts["quote"] = truth["quotechar"] is None or answer.quote == truth["quotechar"]
    names = {codecs.lookup(name).name for name in truth["acceptable_encodings"]}
    names.add(codecs.lookup(truth["encoding"]).name)
    verdicts["encoding"] = answer.encoding is None or codecs.lookup(answer.encoding).name in names
    if truth["header"] is not None and "ambiguous_header" not in truth["tags"]:
        verdicts["header"] = answer.header is truth["header"]
    return verdicts


def types(answer: Answer, truth: Truth) -> Iterator[tuple[str, bool]]:
    """Yield each column whose type is known, with whether ours is right."""
    for place, column in enumerate(truth["column_types"] or []):
        acceptable = column.get("acceptable") or [column["type"]]
        found = answer.columns[place] if place < len(answer.columns) else None
        yield f"{column['name']}: {acceptable}", found is not None and _name(found) in acceptable


def _name(column: Column) -> str:
    if column.date_format:
        return "date_other_format"
    if column.decimal_mark == ",":
        return "decimal_comma"
    return NAMES.get(column.type, column.type.value)


def measure(
    name: str,
    sniff: Callable[[Path, Truth], Answer],
    truths: dict[str, Truth],
    data: Path,
    *,
    verbose: bool,
) -> None:
    right: Counter[str] = Counter()
    of: Counter[str] = Counter()
    started = time.perf_counter()
    for file, truth in truths.items():
        try:
            answer = sniff(data / file, truth)
            verdicts = judged(answer, truth)
        except Exception as error:  # noqa: BLE001  # a sniffer that fails is wrong
            answer = Answer(None, None, None, None)
            verdicts = dict.fromkeys(PARTS, False)
            say(f"  {name}: {file}: {type(error).__name__}")
        verdicts["all"] = all(verdicts.values())
        right.update(part for part, verdict in verdicts.items() if verdict)
        of.update(verdicts.keys())
        if answer.columns:
            for column, verdict in types(answer, truth):
                right["types"] += verdict
                of["types"] += 1
                if verbose and not verdict:
                    say(f"  {file}: {column}")
        if verbose and not verdicts["all"]:
            wrong = ", ".join(part for part, verdict in verdicts.items() if not verdict)
            say(f"  {name}: {file}: {wrong} ({answer.delimiter!r}, {answer.quote!r})")
    seconds = time.perf_counter() - started
    cells = [
        f"{right[part]}/{of[part]} {right[part] / of[part]:6.1%}" if of[part] else "-"
        for part in (*PARTS, "all", "types")
    ]
    say(f"{name:10}" + "".join(f"{cell:>17}" for cell in cells) + f"{seconds:7.1f} s")


def rewritten(folder: Path) -> None:
    """Print how often the tables of a folder are told in other dialects than they came in."""
    right: Counter[str] = Counter()
    of = 0
    for path in sorted(folder.rglob("*.csv")):
        # The last line may be cut.
        lines = path.read_text("utf-8")[:60_000].rpartition("\n")[0].splitlines(keepends=True)
        rows = list(csv.reader(lines))
        if len(rows) < _FEWEST_ROWS or len(rows[0]) < 2:
            continue
        for delimiter, quoting, header in product(",;\t|", _QUOTING, (True, False)):
            text = io.StringIO()
            writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
            writer.writerows(rows if header else rows[1:])
            table = sniff_table(text.getvalue().encode())
            of += 1
            right["delimiter"] += table.dialect.value.delimiter == delimiter
            right["header"] += table.has_header.value is header
    parts = ", ".join(f"{part} {right[part]} ({right[part] / of:.1%})" for part in right)
    say(f"{of} rewritten tables, ours: {parts}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with truth.json")
    parser.add_argument("--tables", type=Path, help="folder of CSV files to write in dialects")
    parser.add_argument("--verbose", action="store_true", help="name what is wrong")
    arguments = parser.parse_args()
    truths: dict[str, Truth] = json.loads((arguments.data / "truth.json").read_text())
    say_machine()
    if arguments.tables:
        rewritten(arguments.tables)
    say(f"{len(truths)} files; DuckDB and CleverCSV are given the text decoded")
    say(f"{'':10}" + "".join(f"{part:>17}" for part in (*PARTS, "all", "types")))
    for name, sniff in (("ours", ours), ("DuckDB", duckdb_sniffer), ("CleverCSV", clever_csv)):
        measure(name, sniff, truths, arguments.data, verbose=arguments.verbose)


if __name__ == "__main__":
    main()
